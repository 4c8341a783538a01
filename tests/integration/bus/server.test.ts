import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sinon from 'sinon';
import { connectBus } from '../../../bus/connection.js';
import { startEmbeddedServer, type EmbeddedServer } from '../../../bus/server.js';
import { STREAM } from '../../../bus/streams.js';
import { whileConnected } from '../../../bus/while-connected.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

describe('embedded nats-server', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  const servers: EmbeddedServer[] = [];

  async function start(options: Partial<Parameters<typeof startEmbeddedServer>[0]> = {}): Promise<EmbeddedServer> {
    const server = await startEmbeddedServer({ dataFolder: folder.path, port: 0, ...options });
    servers.push(server);
    return server;
  }

  beforeEach(async () => {
    folder = await tempFolder();
  });
  afterEach(async () => {
    sinon.restore();
    for (const server of servers.splice(0)) await server.stop();
    await folder.remove();
  });

  it('comes back on its port when it is killed, with every acknowledged message', async () => {
    const lines: string[] = [];
    const server = await start({ onLine: (line) => lines.push(line) });
    const bus = await connectBus({ servers: [server.url], name: 'test' });
    for (let each = 1; each <= 100; each++) await bus.jetstream.publish('dead.counter.a', String(each));
    server.child.kill();
    const ask = () => bus.manager.streams.info(STREAM.deadLetters);
    const info = await eventually(() => whileConnected(bus, ask).catch(() => undefined), { within: 15_000 });
    assert.equal(info.state.messages, 100);
    assert.equal(server.child.restarts, 1);
    assert.ok(lines.filter((line) => line.includes('Server is ready')).length >= 1);
    await bus.close();
  });

  it('keeps its data over a stop, on the port that it is given', async () => {
    const port = await freePort();
    const first = await start({ port });
    assert.equal(first.url, `nats://127.0.0.1:${port}`);
    const bus = await connectBus({ servers: [first.url], name: 'test' });
    await bus.jetstream.publish('dead.counter.a', 'x');
    await bus.close();
    await first.stop();
    const second = await start({ port });
    const again = await connectBus({ servers: [second.url], name: 'test' });
    assert.equal((await again.manager.streams.info(STREAM.deadLetters)).state.messages, 1);
    await again.close();
  });

  it('strict, waits for the disk at every acknowledgement', async () => {
    const configured = () => readFile(join(folder.path, 'nats-server.conf'), 'utf8');
    const lax = await start();
    assert.doesNotMatch(await configured(), /^\s*sync_interval/m);
    await lax.stop();
    const strict = await start({ strict: true });
    assert.match(await configured(), /^\s*sync_interval: always$/m);
    const bus = await connectBus({ servers: [strict.url], name: 'test' });
    await bus.jetstream.publish('dead.counter.a', 'x');
    await bus.close();
  });

  it('says what is on its port already', async () => {
    const first = await start();
    const port = Number(first.url.split(':').at(-1));
    const elsewhere = await tempFolder();
    await assert.rejects(startEmbeddedServer({ dataFolder: elsewhere.path, port }), {
      code: 'process.start_failed',
      message: /address already in use/,
    });
    await elsewhere.remove();
  });
});
