import { SupervisedChild } from '../processes/child.js';

/** Something of the system that is there for the time of a run. */
export interface Held {
  readonly release: () => Promise<void>;
}

/**
 * Runs a shell script that sets something up (a mount, a network namespace), and another that takes it away again when it is
 * released, or when this process ends, however it ends.
 *
 * @param args $1, $2 … of both scripts
 * @throws `process.start_failed` with what the first script said
 */
export async function hold(name: string, setUp: string, takeAway: string, args: readonly string[]): Promise<Held> {
  const script = `
set -e
gone() { set +e; ${takeAway}
}
trap 'gone "$@"' EXIT
trap 'exit 0' TERM
${setUp}
echo held
while :; do sleep 3600 & wait $!; done`;
  const child = new SupervisedChild({
    name,
    command: '/bin/sh',
    args: ['-c', script, name, ...args],
    ready: async (running) => {
      await running.line(/^held$/);
    },
  });
  await child.start();
  return { release: () => child.stop() };
}
