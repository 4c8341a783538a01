import { SupervisedChild } from '../../processes/child.js';

/** A process that supervises `/bin/sh -c <first argument>` and prints what it prints; for tests that kill it. */
const [script = 'exec sleep 600'] = process.argv.slice(2);
const child = new SupervisedChild({
  name: 'grandchild',
  command: '/bin/sh',
  args: ['-c', script],
  ready: async (running) => {
    await running.line(/^ready/);
  },
  onLine: (line) => console.log(line),
});
await child.start();
