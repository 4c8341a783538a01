import { connectBus } from '../../bus/connection.js';
import { createSystem } from '../../actors/runtime/system.js';
import { parentKind, worker } from '../support/family.js';

/** A node process of parents that supervise one-for-all, and of their children: `family-node.js <NATS url> <node>`. */
const [url = '', node = ''] = process.argv.slice(2);
const bus = await connectBus({ servers: [url], name: node });
const system = createSystem({ bus, kinds: [parentKind('choir', { strategy: 'one-for-all' }), worker], node });
// It does not outlive whoever started it.
process.stdin.once('close', () => process.exit(1)).resume();
await system.start();
console.log('running');
