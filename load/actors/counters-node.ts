import { createSystem } from '../../actors/runtime/system.js';
import { connectBus } from '../../bus/connection.js';
import { PARTITIONS } from '../../bus/subjects.js';
import { counter } from './counter.js';

/** A node process of nothing but counters: `counters-node.js <NATS url>`. Ends with its input. */
const bus = await connectBus({ servers: [process.argv[2] ?? ''], name: 'counters' });
const system = createSystem({
  bus,
  kinds: [counter],
  node: 'counters',
  onOwned: (partitions) => {
    if (partitions.size === PARTITIONS) console.log('running');
  },
});
process.stdin.once('close', () => process.exit(0)).resume();
await system.start();
