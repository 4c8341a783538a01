import { join } from 'node:path';
import { createSystem, ref, type ActorSystem } from '../../actors/runtime/system.js';
import { connectBus } from '../../bus/connection.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { measureCallers, type Figures } from './callers.js';
import { counter } from './counter.js';

export interface OwnOptions {
  readonly folder: string;
  readonly strict: boolean;
  readonly actors: number;
  readonly callers: number;
  readonly seconds: number;
}

export interface OwnFigures {
  /** First asks of so many actors, 100 under way: each is brought to life. Actors a second. */
  readonly activations: number;
  /** Memory of an active actor that has nothing to do, KB of heap. */
  readonly idleKb: number;
  readonly asks: Figures;
  /** Questions that are not journaled: they read an actor's state. */
  readonly queries: Figures;
}

/** One node and its callers in this process, nats-server beside it. */
export async function measureOwn({ folder, strict, actors, callers, seconds }: OwnOptions): Promise<OwnFigures> {
  const server = await startEmbeddedServer({
    dataFolder: join(folder, strict ? 'strict' : 'relaxed'),
    port: 0,
    strict,
  });
  const bus = await connectBus({ servers: [server.url], name: 'load' });
  const system = createSystem({ bus, kinds: [counter], node: 'load' });
  await system.start();
  await allOwned(system);
  const refs = Array.from({ length: actors }, (_, index) => ref(counter, `c${index}`));
  const to = (index: number) => refs[index % actors] as (typeof refs)[number];
  const add = (index: number) => system.ask(to(index), { type: 'add', by: 1 }, { deadline: 30_000 });

  const before = heap();
  const from = performance.now();
  let next = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (next < actors) await add(next++);
    }),
  );
  const activations = actors / ((performance.now() - from) / 1_000);
  const idleKb = (heap() - before) / 1_024 / actors;
  const asks = await measureCallers(callers, seconds, add);
  const queries = await measureCallers(callers, seconds, (index) => system.query(to(index)));

  await system.stop();
  await bus.close();
  await server.stop();
  return { activations, idleKb, asks, queries };
}

/** Only then do asks measure asks, not the wait for an owner. */
export async function allOwned(system: ActorSystem): Promise<void> {
  while (system.owned.size < 32) await new Promise((resolve) => setTimeout(resolve, 50));
}

/** Heap in use after a collection, bytes; run with --expose-gc. */
export function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
