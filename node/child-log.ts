import type { ChildOptions } from '../processes/child.js';
import type { NodeLog } from './node.js';

/** Tells the log what a child process prints, and each time that it dies. */
export function watchChild(
  log: NodeLog,
  part: string,
): Required<Pick<ChildOptions, 'onLine' | 'onRestart' | 'onGiveUp'>> {
  return {
    onLine: (line) => log.debug({ part }, line),
    onRestart: ({ code, signal, delayMs, restarts }) =>
      log.warn({ part, restarts }, `${part} ended with ${signal ?? `code ${code}`}; started again in ${delayMs} ms`),
    onGiveUp: (error) => log.error({ part, code: error.code }, error.message),
  };
}
