import { connectBus, createSystem, ref, startEmbeddedServer, StatewattError } from 'statewatt';
import { shop } from './shop.js';
import { stock } from './stock.js';

/** The tutorial from its first to its last step, with its data in `dataFolder`; answers what it found on the way. */
export async function tutorial(dataFolder: string): Promise<string[]> {
  const found: string[] = [];

  const server = await startEmbeddedServer({ dataFolder, port: 0 });
  const join = async (node: string) => {
    const bus = await connectBus({ servers: [server.url], name: node });
    const system = createSystem({ bus, node, kinds: [stock, shop] });
    await system.start();
    return { bus, system };
  };
  const one = await join('one');

  const apples = ref(stock, 'apples');
  const count = await one.system.ask(apples, { type: 'put', count: 10 });
  found.push(`${count} apples`);

  try {
    await one.system.ask(apples, { type: 'take', count: 11 });
  } catch (error) {
    if (!(error instanceof StatewattError) || error.code !== 'stock.too_few') throw error;
    found.push(error.message);
  }

  const order = { commandId: 'order-7' };
  await one.system.ask(apples, { type: 'take', count: 3 }, order);
  found.push(`${await one.system.ask(apples, { type: 'take', count: 3 }, order)} after order 7, asked twice`);

  await one.system.kill(apples);
  found.push(`${await one.system.ask(apples, { type: 'put', count: 1 })} after a crash`);

  const corner = ref(shop, 'corner');
  await one.system.ask(corner, { type: 'sell', product: 'pears' });
  const { children } = await one.system.query(corner);
  found.push(`its children: ${children?.join(', ')}`);

  const two = await join('two');
  await one.system.stop();
  await one.bus.close();
  const { context, node } = await two.system.query(apples);
  found.push(`${JSON.stringify(context)} on node ${node}`);

  await two.system.stop();
  await two.bus.close();
  await server.stop();
  return found;
}
