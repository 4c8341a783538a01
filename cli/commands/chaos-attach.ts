import { ForeignProcess } from '../../chaos/attach/process.js';
import { isProcessTarget, PROCESS_TARGETS } from '../../chaos/attach/refusals.js';
import { runAttached, type AttachOptions } from '../../chaos/attach/run.js';
import type { Target } from '../../chaos/fault.js';
import type { Scenario } from '../../chaos/scenario.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { StatewattError } from '../../errors/error.js';
import type { Cli } from '../cli.js';
import { confirmByName } from '../confirm.js';
import { natsLogin } from '../nats-login.js';
import { safe } from '../render/text.js';
import { readRunFile } from '../run-file.js';
import { loadRunningSite } from '../running-site.js';
import { dataFolder, findTarget } from '../target.js';
import { reportRun } from './chaos-run.js';

/** What is said of a site that runs, beside how every command finds it. */
export interface AttachCommandOptions {
  readonly http?: string;
  readonly history?: string;
  readonly redis?: string;
  readonly pid?: readonly string[];
  readonly yes?: boolean;
}

export interface AttachPlan {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly out: string;
  readonly repeat: string;
}

/** Runs a scenario on a site that is there already, and says what came of it. */
export async function runOnSite(cli: Cli, plan: AttachPlan, options: AttachCommandOptions): Promise<void> {
  const { env } = cli.dependencies;
  const processes = await namedProcesses(options.pid ?? []);
  const nats = { ...(await findTarget(cli.options, env)), ...natsLogin(env) };
  const here = await ownNode(cli, nats.natsUrl);
  const history = options.history ?? (env.CLICKHOUSE_URL || here?.history?.url);
  const redis = options.redis ?? (env.REDIS_URL || undefined);
  const attach: AttachOptions = {
    ...{ scenario: plan.scenario, seed: plan.seed, nats, processes },
    httpUrls: options.http?.split(',').map((url) => url.trim().replace(/\/$/, '')) ?? (here ? [here.http.url] : []),
    historyUrl: history,
    redisUrl: redis,
    nodePid: here?.pid,
    storesAll,
    confirm: (site) => (options.yes === true ? Promise.resolve(true) : ask(cli, plan.scenario, site)),
    onProgress: (text) => void (cli.json ? undefined : cli.line(`  ${safe(text)}`).catch(() => undefined)),
    signal: cli.dependencies.interruption(),
  };
  await reportRun(cli, await runAttached(attach), plan.repeat, plan.out);
}

async function ask(cli: Cli, { name, durationS, faults }: Scenario, site: string): Promise<boolean> {
  await cli.remark(
    `${name} breaks parts of the site ${safe(site)} for ${durationS} s: ${[...new Set(faults.map((fault) => `${fault.do} ${fault.what}`))].join(', ')}.`,
  );
  return confirmByName('Type the name of the site to go on: ', site, '--yes');
}

/** The node of the data folder, when it is one of this site. */
async function ownNode(cli: Cli, natsUrl: string) {
  try {
    const found = await readRunFile(dataFolder(cli.options, cli.dependencies.env));
    return found.nats.url === natsUrl ? found : undefined;
  } catch (error) {
    if (error instanceof StatewattError) return undefined; // No node of this machine.
    throw error;
  }
}

/** @throws `cli.usage`, `chaos.not_permitted` */
async function namedProcesses(named: readonly string[]): Promise<Map<Target, ForeignProcess>> {
  const found = new Map<Target, ForeignProcess>();
  for (const text of named) {
    const [, target = '', pid = ''] = /^([a-z-]+)=(\d{1,10})$/.exec(text) ?? [];
    if (!isProcessTarget(target)) {
      const allowed = PROCESS_TARGETS.map((each) => `${each}=PID`).join(', ');
      throw new StatewattError('cli.usage', 'invalid', `--pid takes one of ${allowed}, not ${JSON.stringify(text)}`);
    }
    found.set(target, await ForeignProcess.find(Number(pid)));
  }
  return found;
}

/** False where it cannot be known. */
async function storesAll(client: StatewattClient): Promise<boolean> {
  try {
    const { mappings } = await client.archive.mappings();
    const { site } = await loadRunningSite(client, 'site.yaml');
    return mappings.length === 0 && site.history.mapping === undefined;
  } catch (error) {
    if (error instanceof StatewattError) return false;
    throw error;
  }
}
