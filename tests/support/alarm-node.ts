// A node with alarms in a process of its own, for tests that kill it: `node alarm-node.js <nats url> <name>`.
import { createAlarmKind } from '../../actors/alarm.js';
import { createSystem } from '../../actors/runtime/system.js';
import { connectBus } from '../../bus/connection.js';

const [, , url = '', node = ''] = process.argv;
const bus = await connectBus({ servers: [url], name: node });
const system = createSystem({ bus, kinds: [createAlarmKind()], node });
await system.start();
// The one who started it is gone: nobody is left to end it.
process.once('disconnect', () => process.exit());
process.send?.('started');
