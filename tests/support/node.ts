import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startNode, type NodeLog, type NodeOptions, type RunningNode } from '../../node/node.js';
import type { StageReport } from '../../node/stages.js';
import { loadEnvironment } from '../../site/config/index.js';
import { eventually } from './temp.js';

export interface LogLine {
  readonly level: keyof NodeLog;
  readonly facts: Record<string, unknown>;
  readonly text: string;
}

/** A log that a test reads. */
export function keepLog(): { log: NodeLog; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: keyof NodeLog) => (facts: Record<string, unknown>, text: string) => {
    lines.push({ level, facts, text });
  };
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines };
}

/** A node in this process, with everything embedded, whose data and site lie in `folder`. */
export async function startTestNode(
  folder: string,
  change: Partial<NodeOptions> = {},
  env: Record<string, string> = {},
): Promise<{ node: RunningNode; lines: LogLine[]; reports: StageReport[] }> {
  const { log, lines } = keepLog();
  const reports: StageReport[] = [];
  const environment = loadEnvironment({
    STATEWATT_DATA: join(folder, 'data'),
    STATEWATT_HTTP_PORT: '0',
    STATEWATT_NODE_NAME: 'n1',
    ...env,
  });
  const node = await startNode({
    site: join(folder, 'site.yaml'),
    demo: false,
    environment,
    log,
    onStage: (report) => reports.push(report),
    ...change,
  });
  return { node, lines, reports };
}

/** A channel of site.yaml with a moving value, a state, a switch and two adjustments. */
export function virtualChannel(id: number, change: { name?: string; base?: number; extra?: string } = {}): string {
  return `
  - id: ${id}
    name: ${change.name ?? `Device ${id}`}
    protocol: virtual
    polling: { interval_ms: 50 }${change.extra ?? ''}
    simulation:
      patterns:
        - { type: ramp, point_id: 1, from: ${change.base ?? 0}, to: ${(change.base ?? 0) + 1000}, duration_ms: 600000 }
        - { type: constant, point_id: 1, kind: S, value: 1 }
    points:
      - { id: 1, name: Power, unit: kW }
      - { id: 1, kind: S, name: Door }
      - { id: 1, kind: C, name: Switch }
      - { id: 1, kind: A, name: Limit, unit: kW, min: 0, max: 100 }
      - { id: 2, kind: A, name: Label, data_type: string }`;
}

/** Writes site.yaml. */
export async function writeSite(folder: string, ...channels: string[]): Promise<void> {
  await writeFile(join(folder, 'site.yaml'), `site: Test site\nchannels:${channels.join('') || ' []'}\n`);
}

/** Pids of the processes whose command line names the folder: the node's children, and theirs. */
export async function processesOf(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')), // It has ended meanwhile.
  );
  return pids.filter((pid, index) => pid !== process.pid && commands[index]?.includes(folder));
}

/** Resolves when no process names the folder any more: what was ended by a signal is there until the system has seen to it. */
export async function noProcessOf(folder: string): Promise<void> {
  const none = async (): Promise<true | undefined> => ((await processesOf(folder)).length === 0 ? true : undefined);
  await eventually(none, { within: 5_000, what: `no process of ${folder}` });
}
