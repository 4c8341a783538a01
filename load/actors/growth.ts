import { join } from 'node:path';
import { createSystem, ref } from '../../actors/runtime/system.js';
import { connectBus } from '../../bus/connection.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { measureCallers, type Figures } from './callers.js';
import { counter } from './counter.js';
import { allOwned, heap } from './own.js';

/** What a node with so many active actors does. */
export interface Size {
  readonly actors: number;
  /** Actors brought to life a second, each by its first durable ask, since the size before. */
  readonly activations: number;
  /** Heap of each since the first, KB. */
  readonly idleKb: number;
  /** Memory of the whole process, MB. */
  readonly residentMb: number;
  /** Durable asks, spread over all of them. */
  readonly asks: Figures;
}

/** One node whose actors become more and more. Ends early, with the last size that was reached, after `budgetMs`. */
export async function measureGrowth(options: {
  readonly folder: string;
  readonly sizes: readonly number[];
  readonly callers: number;
  readonly budgetMs: number;
  readonly onSize: (size: Size) => void;
}): Promise<void> {
  const { folder, sizes, callers, budgetMs, onSize } = options;
  const end = performance.now() + budgetMs;
  const server = await startEmbeddedServer({ dataFolder: join(folder, 'growth'), port: 0 });
  const bus = await connectBus({ servers: [server.url], name: 'load' });
  const system = createSystem({ bus, kinds: [counter], node: 'load' });
  await system.start();
  await allOwned(system);
  const add = (index: number) => system.ask(ref(counter, `c${index}`), { type: 'add', by: 1 }, { deadline: 30_000 });

  const before = heap();
  let active = 0;
  for (const size of sizes) {
    const [from, had] = [performance.now(), active];
    await Promise.all(
      Array.from({ length: 5 * callers }, async () => {
        while (active < size && performance.now() < end) await add(active++);
      }),
    );
    const activations = (active - had) / ((performance.now() - from) / 1_000);
    const idleKb = (heap() - before) / 1_024 / active;
    const residentMb = process.memoryUsage().rss / 1_024 ** 2;
    // A large prime step: neighbours in time are no neighbours in memory.
    const asks = await measureCallers(callers, 2, (index) => add((index * 7_919) % active));
    onSize({ actors: active, activations, idleKb, residentMb, asks });
    if (performance.now() > end) break;
  }
  await system.stop();
  await bus.close();
  await server.stop();
}
