import type { GlobalOptions } from './cli.js';
import { readRunFile } from './run-file.js';

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
