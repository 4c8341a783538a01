import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Link, type LinkFault } from '../../../chaos/link.js';
import { createRandom } from '../../../protocols/virtual/random.js';
import { eventually } from '../../support/temp.js';

/** Sends back what it gets. */
async function startEcho(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** Also by an error. */
const closing = (socket: Socket): Promise<unknown> => new Promise((resolve) => socket.once('close', resolve));

describe('a link that fails on purpose', () => {
  let echo: Server;
  let link: Link;
  const sockets: Socket[] = [];
  before(async () => {
    echo = await startEcho();
    link = await Link.open((echo.address() as AddressInfo).port, createRandom(1));
  });
  afterEach(() => {
    link.heal();
    for (const socket of sockets.splice(0)) socket.destroy();
  });
  after(async () => {
    await link.close();
    await new Promise((resolve) => echo.close(resolve));
  });

  async function open(): Promise<{ socket: Socket; received: () => Buffer }> {
    const socket = connect(link.port, '127.0.0.1');
    sockets.push(socket);
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => undefined);
    await once(socket, 'connect');
    return { socket, received: () => Buffer.concat(chunks) };
  }

  async function echoed(bytes: Buffer, fault?: LinkFault): Promise<{ back: Buffer; ms: number }> {
    const { socket, received } = await open();
    if (fault !== undefined) link.fail(fault);
    const begun = performance.now();
    socket.write(bytes);
    await eventually(() => (received().length >= bytes.length ? true : undefined));
    return { back: received(), ms: performance.now() - begun };
  }

  const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));

  it('carries everything as it is while it has no fault', async () => {
    assert.deepEqual((await echoed(bytes)).back, bytes);
  });

  it('holds what is sent, and loses nothing of it', async () => {
    const { socket, received } = await open();
    socket.write('before');
    await eventually(() => (received().length === 6 ? true : undefined));
    link.fail({ mode: 'hold' });
    socket.write(' after');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(received().toString(), 'before');
    link.heal();
    await eventually(() => (received().toString() === 'before after' ? true : undefined));
  });

  it('refuses while it is shut, and ends what was open', async () => {
    const { socket } = await open();
    const closed = closing(socket);
    link.fail({ mode: 'shut' });
    await closed;
    const refused = connect(link.port, '127.0.0.1').on('error', () => undefined);
    await closing(refused);
    link.heal();
    assert.equal((await echoed(Buffer.from('again'))).back.toString(), 'again');
  });

  it('ends what is open when it is reset; new connections pass', async () => {
    const { socket } = await open();
    const closed = closing(socket);
    link.reset();
    await closed;
    assert.equal((await echoed(Buffer.from('again'))).back.toString(), 'again');
  });

  it('loses what comes back while it is half open, from where it is told; that connection ends with the fault', async () => {
    const { socket, received } = await open();
    const closed = closing(socket);
    socket.write('before');
    await eventually(() => (received().length === 6 ? true : undefined));
    link.fail({ mode: 'half-open', afterBytes: 3 });
    socket.write(' after');
    await link.lost;
    await eventually(() => (received().length === 9 ? true : undefined));
    assert.equal(received().toString(), 'before af');
    assert.equal(socket.closed, false);
    link.heal();
    await closed;
    assert.equal((await echoed(Buffer.from('again'))).back.toString(), 'again');
  });

  it('is late in both directions, in order', async () => {
    const { back, ms } = await echoed(bytes, { mode: 'delay', delayMs: 50, jitterMs: 40 });
    assert.deepEqual(back, bytes);
    assert.ok(ms >= 20, `${ms} ms`);
  });

  it('lets only so much through in a second', async () => {
    const { back, ms } = await echoed(bytes.subarray(0, 20_000), { mode: 'throttle', bytesPerS: 200_000 });
    assert.deepEqual(back, bytes.subarray(0, 20_000));
    assert.ok(ms >= 150, `${ms} ms`); // 0.1 s in each direction.
  });

  it('garbles some bytes, and loses none', async () => {
    const { back } = await echoed(bytes, { mode: 'corrupt' });
    assert.equal(back.length, bytes.length);
    const other = back.filter((byte, index) => byte !== bytes[index]).length;
    assert.ok(other > 0 && other < 200, `${other} of ${bytes.length}`);
  });
});
