// Moleculer's remote calls over NATS, kept in memory only: `node moleculer.mjs <actors> <callers> <seconds> <NATS url>`.
// The counters live in a second process. Prints what callers.ts measures, as JSON.
import { fork } from 'node:child_process';
import { ServiceBroker } from 'moleculer';
import { measureCallers } from '../../dist/load/actors/callers.js';

const [actors, callers, seconds] = process.argv.slice(2, 5).map(Number);
const [url, role] = process.argv.slice(5);

function broker(nodeID) {
  return new ServiceBroker({ nodeID, transporter: url, logger: false, metrics: false, tracing: false });
}

if (role === 'counters') {
  const totals = new Map();
  const counters = broker('counters');
  counters.createService({
    name: 'counter',
    actions: {
      add({ params: { id, by } }) {
        const total = (totals.get(id) ?? 0) + by;
        totals.set(id, total);
        return total;
      },
    },
  });
  await counters.start();
  process.once('disconnect', () => process.exit(0));
} else {
  const child = fork(import.meta.filename, [...process.argv.slice(2, 6), 'counters']);
  const caller = broker('caller');
  await caller.start();
  await caller.waitForServices('counter', 30_000);
  const add = (index) => caller.call('counter.add', { id: `c${index % actors}`, by: 1 });
  console.log(JSON.stringify(await measureCallers(callers, seconds, add)));
  child.kill();
  await caller.stop();
  process.exit(0);
}
