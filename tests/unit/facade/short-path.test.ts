import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import sinon from 'sinon';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { SimulatedAccess } from '../../support/fake-access.js';
import { FakeClient } from '../../support/fake-client.js';
import { keepSpans } from '../../support/spans.js';
import { eventually } from '../../support/temp.js';

const PATH = '/api/v1/points/comsrv:1001:T:1';

describe('the short path of a live value', () => {
  let client: FakeClient;
  let app: HttpApp;
  let hooks: sinon.SinonSpy;
  let port: number;

  async function start(options: Partial<Parameters<typeof buildHttpApp>[0]> = {}): Promise<void> {
    client = new FakeClient({ channels: 2 });
    app = buildHttpApp({ client, host: '127.0.0.1', ...options });
    hooks = sinon.spy();
    app.addHook('onRequest', (_request, _reply, done) => {
      hooks();
      done();
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    port = (app.server.address() as { port: number }).port;
  }

  async function get(path: string, headers: Record<string, string> = {}) {
    const sent = ask({ host: '127.0.0.1', port, path, headers, agent: false }).end();
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of answer) text += String(part);
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(text) as Record<string, unknown> };
  }

  afterEach(async () => {
    sinon.restore();
    await app.close();
  });

  it('answers what the long one answers', async () => {
    await start();
    const long = await get(PATH);
    assert.equal(hooks.callCount, 1, 'the guard has to know the host first');
    const short = await get(PATH);
    assert.equal(hooks.callCount, 1);
    assert.equal(short.status, 200);
    assert.deepEqual(short.body, long.body);
    const comparable = ({ headers }: typeof long) => ({ ...headers, 'x-request-id': '', date: '' });
    assert.deepEqual(comparable(short), comparable(long));
    assert.match(String(short.headers['x-request-id']), /^[0-9a-f-]{36}$/);
    assert.notEqual(short.headers['x-request-id'], long.headers['x-request-id']);
  });

  it('leaves to the long one what is not plain', async () => {
    await start();
    await get(PATH);
    const others: [string, Record<string, string>][] = [
      [`${PATH}?x=1`, {}],
      ['/api/v1/points/comsrv%3A1001%3AT%3A1', {}],
      [PATH, { authorization: 'Bearer x' }],
      [PATH, { 'x-api-key': 'x' }],
      [PATH, { cookie: 'a=b' }],
      [PATH, { origin: 'https://evil.example' }],
    ];
    for (const [path, headers] of others) {
      hooks.resetHistory();
      await get(path, headers);
      assert.equal(hooks.callCount, 1, `${path} ${JSON.stringify(headers)}`);
    }
    hooks.resetHistory();
    assert.equal((await get(PATH, { host: 'evil.example' })).status, 421);
    assert.equal((await get(PATH)).status, 200);
    assert.equal(hooks.callCount, 0);
  });

  describe('over one connection', () => {
    let socket: Socket;
    let received: string;

    async function send(text: string): Promise<void> {
      if (socket.destroyed) throw new Error('the connection is closed');
      socket.write(text);
      await Promise.resolve();
    }
    const plain = (path = PATH, more = '') => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${more}\r\n`;
    const answers = () => received.split('HTTP/1.1 ').slice(1);
    const arrived = (count: number) =>
      eventually(() => (answers().length >= count && received.endsWith('}') ? true : undefined));

    beforeEach(async () => {
      await start();
      await get(PATH); // now the guard knows the host
      hooks.resetHistory();
      received = '';
      socket = connect({ host: '127.0.0.1', port });
      socket.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
      await once(socket, 'connect');
    });
    afterEach(() => socket.destroy());

    it('answers one request after the other, as node:http would', async () => {
      for (let count = 1; count <= 3; count++) {
        await send(plain());
        await arrived(count);
      }
      assert.equal(hooks.callCount, 0);
      for (const answer of answers()) {
        const [head = '', body = ''] = answer.split('\r\n\r\n');
        assert.match(head, /^200 OK\r\n/);
        assert.match(head, /\r\nDate: \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\r\n/);
        assert.match(head, /\r\nConnection: keep-alive\r\nKeep-Alive: timeout=72$/);
        assert.equal(/content-length: (\d+)/.exec(head)?.[1], String(Buffer.byteLength(body)));
        assert.equal((JSON.parse(body) as { address: string }).address, 'comsrv:1001:T:1');
      }
    });

    it('answers requests that come at once in their order, whichever way they take', async () => {
      await send([plain(), plain('/api/v1/points/comsrv:1001:T:99'), plain(`${PATH}?x=1`), plain(), plain()].join(''));
      await arrived(5);
      assert.deepEqual(
        answers().map((answer) => answer.slice(0, 3)),
        ['200', '404', '200', '200', '200'],
      );
    });

    it('ends the connection when it is told to', async () => {
      await send(plain());
      await arrived(1);
      const closed = once(socket, 'end');
      await send(plain(PATH, 'Connection: close\r\n'));
      await closed;
      assert.equal(answers().length, 2);
      assert.match(answers()[1] ?? '', /Connection: close/);
    });

    it('ends it with the answer that is under way when the server closes', async () => {
      let answer: () => void = () => undefined;
      const view = await client.point(1001, 'T', 1);
      const point = sinon.stub(client, 'point');
      const asked = new Promise<void>((resolve) => {
        point.onFirstCall().callsFake(() => {
          resolve();
          return new Promise((answered) => (answer = () => answered(view)));
        });
      });
      point.resolves(view);
      await send(plain());
      await asked;
      const closing = app.close();
      await new Promise((resolve) => setImmediate(resolve));
      answer();
      await closing;
      await arrived(1);
      assert.match(answers()[0] ?? '', /^200 OK[^]*Connection: close/i);
    });

    it('ends it between two requests when the server closes', async () => {
      await send(plain());
      await arrived(1);
      const closed = once(socket, 'close');
      await app.close();
      await closed;
    });
  });

  it('answers what is so now, whatever it answered before', async () => {
    await start();
    await get(PATH);
    const first = await client.point(1001, 'T', 1);
    const views = [
      ...[first, { ...first, value: 7 }, { ...first, value: 7, time: 5 }, { ...first, quality: 'stale' as const }],
      ...[
        { ...first, name: 'Named' },
        { ...first, unit: 'kV' },
        { ...first, writable: !first.writable },
      ],
      ...[{ ...first, min: -1 }, { ...first, max: 99 }, { ...first, deadband: 3 }, first],
    ];
    const point = sinon.stub(client, 'point');
    for (const view of views) {
      point.resolves(view);
      assert.deepEqual((await get(PATH)).body, JSON.parse(JSON.stringify(view)));
    }
    assert.equal(hooks.callCount, 1);
  });

  it('leaves errors to the long one', async () => {
    await start();
    await get(PATH);
    const answer = await get('/api/v1/points/comsrv:1001:T:99');
    assert.equal(answer.status, 404);
    assert.equal((answer.body.error as { code: string }).code, 'points.not_found');
  });

  it('is closed to everybody once somebody has to sign in', async () => {
    const access = new SimulatedAccess();
    await start({ gatekeeper: access.control });
    for (let n = 0; n < 2; n++) assert.equal((await get(PATH)).status, 401);
    assert.equal(hooks.callCount, 2);
  });

  it('is closed while requests are traced', async () => {
    await start();
    await get(PATH);
    const kept = keepSpans();
    try {
      await get(PATH);
      assert.ok(kept.named('GET /api/v1/points/:address'));
    } finally {
      kept.stop();
    }
  });
});
