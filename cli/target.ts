import type { GlobalOptions } from './cli.js';
import { StatewattError } from '../errors/error.js';
import { readRunFile } from './run-file.js';

/** The running site that a command asks, and what the command shows of itself. */
export interface Target {
  readonly natsUrl: string;
  /** Gives the token of a user, an API key, or the local token of the moment. */
  readonly token: () => Promise<string | undefined>;
}

/** The local token is read again after so long: the node renews it while it runs. */
const TOKEN_MS = 600_000;

/** The data folder when none is named. */
export const DEFAULT_DATA_FOLDER = '.statewatt';

export function dataFolder(options: GlobalOptions, env: NodeJS.ProcessEnv): string {
  return options.data ?? (env.STATEWATT_DATA || DEFAULT_DATA_FOLDER);
}

/**
 * Where the running site's NATS server is: --nats, or the run file in --data, or NATS_URL, or the run file in the data
 * folder that the environment or the default names. What is said on the command line goes before the environment.
 *
 * @throws `cli.no_node`, `cli.run_file_invalid`
 */
export async function findNatsUrl(options: GlobalOptions, env: NodeJS.ProcessEnv): Promise<string> {
  if (options.nats !== undefined) return options.nats;
  if (options.data === undefined && env.NATS_URL) return env.NATS_URL;
  return (await readRunFile(dataFolder(options, env))).nats.url;
}

/**
 * Where the site is (see `findNatsUrl`), and the token: --token, or STATEWATT_TOKEN, or what the node of that site has
 * left in its run file for the commands on its machine.
 *
 * @throws `cli.no_node`, `cli.run_file_invalid`
 */
export async function findTarget(options: GlobalOptions, env: NodeJS.ProcessEnv): Promise<Target> {
  const natsUrl = await findNatsUrl(options, env);
  const said = options.token ?? env.STATEWATT_TOKEN;
  if (said) return { natsUrl, token: () => Promise.resolve(said) };
  let known: { readonly token: string | undefined; readonly at: number } | undefined;
  const token = async () => {
    if (known === undefined || performance.now() - known.at > TOKEN_MS) {
      known = { token: await localToken(dataFolder(options, env), natsUrl), at: performance.now() };
    }
    return known.token;
  };
  return { natsUrl, token };
}

/** That of the run file, when its node is one of the site at `natsUrl`. */
async function localToken(folder: string, natsUrl: string): Promise<string | undefined> {
  try {
    const { nats, token } = await readRunFile(folder);
    const there = serversOf(nats.url);
    return serversOf(natsUrl).some((server) => there.includes(server)) ? token : undefined;
  } catch (error) {
    if (error instanceof StatewattError) return undefined; // No node of this machine.
    throw error;
  }
}

/** Hosts and ports, without scheme and login. */
function serversOf(url: string): string[] {
  return url.split(',').map((server) =>
    server
      .trim()
      .replace(/^[a-z]+:\/\//i, '')
      .replace(/^.*@/, '')
      .replace(/\/$/, ''),
  );
}
