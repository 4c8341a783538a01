import { errorMessage } from '../errors/error.js';
import type { DataFolder, RunFile } from './data-folder.js';
import type { NodeLog } from './node.js';

/** Much less than the token in it is good for. */
const RENEW_MS = 3_600_000;

/** Writes the run file, and writes it again while the node runs, so that the token in it is good. */
export async function keepRunFile(
  folder: DataFolder,
  facts: Omit<RunFile, 'token'>,
  makeToken: () => Promise<string>,
  log: NodeLog,
): Promise<{ remove(): Promise<void> }> {
  const write = async () => folder.writeRunFile({ ...facts, token: await makeToken() });
  await write();
  let writing = Promise.resolve();
  const renewal = setInterval(() => {
    writing = write().catch((error: unknown) => log.warn({ part: 'run file' }, errorMessage(error)));
  }, RENEW_MS).unref();
  return {
    async remove() {
      clearInterval(renewal);
      await writing;
      await folder.removeRunFile();
    },
  };
}
