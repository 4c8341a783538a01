import { connectBus } from '../../bus/connection.js';
import { createSystem } from '../../actors/runtime/system.js';
import { countedActors, countedKind } from './actors-kind.js';

/**
 * A node process of nothing but counters: `actor-node.js <NATS url> <node> <number of actors> <file of effects> [apart]`.
 * Answers `chaos.<node>` with the ids of the actors that live in it, tells `chaos.takeover.<node>` how it took partitions
 * over, and ends with its input.
 */
const [url = '', node = '', count = '0', file = '', apart] = process.argv.slice(2);
const bus = await connectBus({ servers: [url], name: node });
const kind = countedKind({ file, node });
const actors = countedActors(Number(count));
const system = createSystem({
  bus,
  kinds: [kind],
  node,
  alwaysOn: () => actors,
  watchNeighbours: apart === undefined,
  onTakeover: (takeover) => bus.nats.publish(`chaos.takeover.${node}`, JSON.stringify(takeover)),
});
bus.nats.subscribe(`chaos.${node}`, {
  callback: (_error, message) => {
    message.respond(JSON.stringify(system.actors().map((actor) => actor.id)));
  },
});
// It does not outlive whoever started it.
process.stdin.once('close', () => process.exit(1)).resume();
await system.start();
console.log('running');
