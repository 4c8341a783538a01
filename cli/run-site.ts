import { once } from 'node:events';
import { pino, type DestinationStream } from 'pino';
import { StatewattError } from '../errors/error.js';
import type { RunningNode } from '../node/node.js';
import type { StageReport } from '../node/stages.js';
import { loadEnvironment, maskSecrets, type Environment } from '../site/config/index.js';
import { logFacts } from '../telemetry/spans.js';
import type { Cli } from './cli.js';
import type { OutputStream } from './output.js';
import { safe } from './render/text.js';
import { dataFolder } from './target.js';

export interface UpOptions {
  demo?: boolean;
  nodes?: string;
  httpPort?: string;
  httpHost?: string;
  joins?: boolean;
}

/** Runs a node until it is interrupted. */
export async function runSite(cli: Cli, site: string | undefined, options: UpOptions): Promise<void> {
  const interruption = cli.dependencies.interruption();
  const startedAt = cli.now();
  let node: RunningNode;
  try {
    node = await start(cli, site, options, interruption);
  } catch (error) {
    // Ctrl-C during the start: what was there is stopped again, as was asked.
    if (error instanceof StatewattError && error.code === 'node.interrupted') return;
    throw error;
  }
  try {
    await shown(printRunning(cli, node, cli.now() - startedAt));
    if (!interruption.aborted) await once(interruption, 'abort');
    if (!cli.json) await shown(cli.line('\nStopping …'));
  } finally {
    await node.stop();
  }
}

async function start(
  cli: Cli,
  site: string | undefined,
  options: UpOptions,
  signal: AbortSignal,
): Promise<RunningNode> {
  const environment = environmentOf(cli, options);
  const demo = options.demo === true;
  return cli.dependencies.startNode({
    site: site ?? (demo ? undefined : 'site.yaml'),
    demo,
    nodes: nodesOf(options),
    joins: options.joins === true,
    environment,
    log: pino({ level: environment.logLevel, mixin: logFacts }, await logLines(cli.dependencies.err)),
    onStage: (report) => void shown(printStage(cli, report)),
    signal,
  });
}

function nodesOf({ nodes = '1' }: UpOptions): number {
  if (/^([1-9]|[12]\d|3[0-2])$/.test(nodes)) return Number(nodes);
  throw new StatewattError('cli.usage', 'invalid', `--nodes takes 1 to 32, not ${JSON.stringify(nodes)}`);
}

/** Output that cannot be written (its reader is gone, the disk is full) must not stop the site. */
async function shown(printed: Promise<void>): Promise<void> {
  await printed.catch(() => undefined);
}

/** Options of the command line go before the environment's variables. */
function environmentOf(cli: Cli, options: UpOptions): Environment {
  const { env } = cli.dependencies;
  return loadEnvironment({
    ...env,
    STATEWATT_DATA: dataFolder(cli.options, env),
    ...(cli.options.nats === undefined ? {} : { NATS_URL: cli.options.nats }),
    ...(options.httpPort === undefined ? {} : { STATEWATT_HTTP_PORT: options.httpPort }),
    ...(options.httpHost === undefined ? {} : { STATEWATT_HTTP_HOST: options.httpHost }),
  });
}

/** Readable lines at a terminal, JSON lines elsewhere; stderr, because stdout is the command's answer. */
async function logLines(stream: OutputStream): Promise<DestinationStream> {
  if (stream.isTTY !== true) return stream;
  const { PinoPretty } = await import('pino-pretty');
  return PinoPretty({ destination: stream, colorize: false, ignore: 'pid,hostname', sync: true });
}

/** A line for each step. */
async function printStage(cli: Cli, { phase, name, detail, ms }: StageReport): Promise<void> {
  if (cli.json) return;
  const mark = { started: '✓', stopped: '✓', failed: '✗' }[phase];
  const line = `  ${mark} ${name.padEnd(18)} ${safe(detail).padEnd(44)} ${(ms / 1_000).toFixed(1).padStart(5)} s`;
  await cli.line(line.trimEnd(), phase === 'failed' ? 'alarm' : 'none');
}

async function printRunning(cli: Cli, { url, natsUrl, dataFolder: folder }: RunningNode, ms: number): Promise<void> {
  if (cli.json) {
    await cli.document({ http: { url }, nats: { url: maskSecrets(natsUrl) }, data: folder, pid: process.pid });
    return;
  }
  await cli.line(
    [
      '',
      `  Running after ${(ms / 1_000).toFixed(1)} s. Ctrl-C stops everything.`,
      '',
      `  Web page   ${url}`,
      `  HTTP API   ${url}/api/docs`,
      `  NATS       ${safe(maskSecrets(natsUrl))}`,
      `  Data       ${safe(folder)}`,
      '',
    ].join('\n'),
  );
}
