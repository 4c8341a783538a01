import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PEERS_FOLDER } from '../support/peers.js';

const CPUPRO = join(PEERS_FOLDER, 'node_modules/cpupro/bin/cpupro');
const ROOT = join(import.meta.dirname, '../../..');
/** Profiles of a benchmark that are drawn: of the processes that did most. */
const DRAWN = 2;
/** Stages below this share are not worth a line. */
const LEAST_SHARE = 0.01;

/** The part of V8's .cpuprofile format that is read here (Chrome DevTools Protocol, Profiler.Profile). */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string } }[];
  readonly samples: readonly number[];
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileReport {
  /** A page with the flame graph, which needs nothing else. */
  readonly page: string;
  /** Share of the time that was spent in each stage, the greatest first; idle time is left out. */
  readonly stages: readonly (readonly [stage: string, share: number])[];
}

/** Draws the profiles of a benchmark as flame graphs (cpupro), and sums them up by stage. */
export async function drawProfiles(folder: string, name: string): Promise<ProfileReport[]> {
  const profiles = await Promise.all(
    (await readdir(folder)).filter((file) => file.endsWith('.cpuprofile')).map((file) => read(join(folder, file))),
  );
  const most = profiles.toSorted((a, b) => b.busy - a.busy).slice(0, DRAWN);
  return Promise.all(
    most.map(async ({ file, stages }, index) => {
      const page = `${name}-${index + 1}.html`;
      await promisify(execFile)(process.execPath, [CPUPRO, file, '--no-open', '-o', folder, '-f', page]);
      return { page: join(folder, page), stages };
    }),
  );
}

async function read(file: string) {
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(file, 'utf8')) as CpuProfile;
  const stageOf = new Map(nodes.map(({ id, callFrame }) => [id, stage(callFrame)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const of = stageOf.get(id);
    if (of === undefined) continue;
    const time = timeDeltas[index] ?? 0;
    busy += time;
    times.set(of, (times.get(of) ?? 0) + time);
  }
  const stages = [...times]
    .map(([of, time]) => [of, time / busy] as const)
    .filter(([, share]) => share >= LEAST_SHARE)
    .sort(([, a], [, b]) => b - a);
  return { file, busy, stages };
}

/** Whose code it is: a folder of ours, a package, Node, or V8 itself. Undefined: nobody's, the process waits. */
function stage({ functionName, url }: { functionName: string; url: string }): string | undefined {
  if (functionName === '(idle)') return undefined;
  if (functionName === '(garbage collector)') return 'garbage collection';
  if (url === '') return 'V8 and system calls';
  if (url.startsWith('node:'))
    return `node: ${
      url
        .slice(5)
        .replace(/^internal\//, '')
        .split('/')[0] ?? ''
    }`;
  const path = url.replace(/^file:\/\//, '');
  const [, found] = /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules\/)/.exec(path) ?? [];
  if (found !== undefined) return found;
  return path.startsWith(ROOT)
    ? path
        .slice(ROOT.length + '/dist/'.length)
        .split('/')
        .slice(0, 2)
        .join('/')
    : 'other';
}
