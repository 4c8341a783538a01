import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { connectBus, createSystem, ref, startEmbeddedServer, type StoredLetter } from 'statewatt';
import { orders, stock } from './shop.js';

/** Durable effects, and one that fails at first; its data lies in `dataFolder`. Answers what it found on the way. */
export async function effects(dataFolder: string): Promise<string[]> {
  const found: string[] = [];

  // Somebody else's server, out of order until it is mended; it remembers the keys that it has taken.
  const taken = new Set<string>();
  let mended = false;
  const hook = createServer((request, response) => {
    if (mended) taken.add(String(request.headers['idempotency-key']));
    response.writeHead(mended ? 204 : 503).end();
  });
  const url = await listen(hook);

  const server = await startEmbeddedServer({ dataFolder, port: 0 });
  const bus = await connectBus({ servers: [server.url], name: 'one' });
  await bus.manager.streams.add({ name: 'ORDERS', subjects: ['orders.*'] });
  const order = orders(bus, url, `whsec_${randomBytes(24).toString('base64')}`);
  const system = createSystem({ bus, node: 'one', kinds: [order, stock] });
  await system.start();

  await system.ask(ref(order, 'o1'), { type: 'place', item: 'apples', count: 3 });

  let letter: StoredLetter | undefined;
  while (letter === undefined) {
    await wait(50);
    [letter] = await system.deadLetters.list({ effect: 'notify' });
  }
  found.push(`${letter.letter.effect?.type} was given up after ${letter.letter.effect?.attempts} runs`);

  const { state } = await bus.manager.streams.info('ORDERS');
  const { context } = await system.query(ref(stock, 'apples'));
  found.push(`${state.messages} message, stock ${JSON.stringify(context)}`);

  mended = true;
  await system.deadLetters.replay(letter.id);
  found.push(`${taken.size} hook taken, ${await system.deadLetters.count()} dead letters`);

  await system.stop();
  await bus.close();
  await server.stop();
  hook.close();
  return found;
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/orders`;
}
