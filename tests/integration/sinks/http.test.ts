import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { httpSink, type HttpSinkOptions } from '../../../actors/sinks/http.js';
import type { Note } from '../../support/notifier.js';
import { eventually } from '../../support/temp.js';
import { PATIENT, startSinkBed, type SinkBed } from '../../support/sinks.js';

interface Arrived {
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

describe('httpSink', function () {
  this.timeout(60_000);
  let server: Server;
  let url: string;
  let bed: SinkBed;
  let arrived: Arrived[];
  /** What a receiver that keeps keys has done. */
  let done: Map<string, unknown>;
  let answer: (response: ServerResponse, arrived: Arrived, nth: number) => void;

  beforeEach(async () => {
    arrived = [];
    done = new Map();
    answer = (response) => response.writeHead(204).end();
    server = createServer((request, response) => {
      void json(request).then((body) => {
        const one = { headers: request.headers, body };
        arrived.push(one);
        answer(response, one, arrived.length);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?token=t`;
  });
  afterEach(async () => {
    await bed.stop();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const start = async (options: Partial<HttpSinkOptions<Note>> = {}): Promise<void> => {
    bed = await startSinkBed(() => httpSink<Note>({ url, policy: PATIENT, ...options }));
  };
  const letters = async () =>
    (await bed.system.deadLetters.list()).map(({ letter }) => [letter.effect?.attempts, letter.error.message]);

  it('has it done once, though answers are lost, late or of the bad sort', async () => {
    answer = (response, { headers, body }, nth) => {
      const key = String(headers['idempotency-key']);
      if (nth !== 2) done.set(key, (done.get(key) as unknown[] | undefined)?.concat(body) ?? [body]);
      if (nth === 1)
        response.destroy(); // It is done, and nobody hears of it.
      else if (nth === 2) response.writeHead(503, { 'retry-after': '0' }).end('busy');
      else if (nth === 3)
        return; // Never answers.
      else response.writeHead(200).end('{}');
    };
    await start();
    await bed.note('a', 'one');
    await bed.settled();
    await bed.note('a', 'two');
    await bed.settled();
    assert.deepEqual(
      arrived.map(({ body }) => body),
      [...Array.from({ length: 4 }, () => ({ text: 'one' })), { text: 'two' }],
    );
    assert.deepEqual([...done.values()].flat().length, 4);
    assert.equal(done.size, 2);
    assert.match(String(arrived[0]?.headers['idempotency-key']), /^notifier\/a#\d+\.0$/);
    assert.match(String(arrived[0]?.headers.traceparent), /^00-[0-9a-f]{32}-/);
    assert.deepEqual(await letters(), []);
  });

  it('parks at once what the receiver refuses, and follows no redirect', async () => {
    answer = (response, _, nth) => {
      if (nth === 1) response.writeHead(422).end('no such area');
      else response.writeHead(302, { location: '/elsewhere' }).end();
    };
    await start();
    await bed.note('a', 'one');
    await bed.note('a', 'two');
    await bed.settled();
    const where = url.slice(0, url.indexOf('?'));
    assert.deepEqual(await letters(), [
      [1, `POST ${where} answered 422: no such area`],
      [1, `POST ${where} answered 302`],
    ]);
    assert.equal(arrived.length, 2);
  });

  it('takes the statuses that it is told for done, and for passing', async () => {
    answer = (response, _, nth) => response.writeHead(nth === 1 ? 423 : 409).end();
    await start({ accepted: [409], retried: (status) => status === 423 });
    await bed.note('a', 'one');
    await bed.settled();
    assert.equal(arrived.length, 2);
    assert.deepEqual(await letters(), []);
  });

  it('that cannot succeed holds up its own actor only', async () => {
    answer = (response, { body }) => response.writeHead((body as Note).text === 'bad' ? 503 : 204).end();
    await start();
    await bed.note('a', 'bad');
    for (const actor of ['b', 'c']) await bed.note(actor, `good for ${actor}`);
    await bed.note('a', 'after');
    const tried = (text: string) => arrived.filter(({ body }) => (body as Note).text === text).length;
    const good = () => tried('good for b') === 1 && tried('good for c') === 1;
    await eventually(() => (good() && tried('bad') > 2 ? true : undefined));
    assert.deepEqual([tried('good for b'), tried('after')], [1, 0]);
    answer = (response) => response.writeHead(204).end();
    await bed.settled();
    assert.equal(tried('after'), 1);
  });

  it('parks after its attempts, and a replay goes under the old key', async () => {
    answer = (response) => response.writeHead(500).end();
    await start({ policy: { ...PATIENT, attempts: 3 } });
    await bed.note('a', 'one');
    await bed.settled();
    const [stored] = await bed.system.deadLetters.list();
    assert.equal(stored?.letter.effect?.attempts, 3);
    answer = (response) => response.writeHead(204).end();
    await bed.system.deadLetters.replay(stored.id);
    assert.equal(new Set(arrived.map(({ headers }) => headers['idempotency-key'])).size, 1);
    assert.equal(arrived.length, 4);
    assert.deepEqual(await letters(), []);
  });

  for (const [name, secret, key] of [
    ['in base64', `whsec_${Buffer.from('0123456789abcdef').toString('base64')}`, Buffer.from('0123456789abcdef')],
    ['as text', 'a plain secret', Buffer.from('a plain secret')],
  ] as const) {
    it(`signs with a key ${name}, as Standard Webhooks says`, async () => {
      await start({ secret, url: () => url, method: 'PUT', headers: { 'x-site': 's1' }, body: ({ text }) => [text] });
      await bed.note('a', 'one');
      await bed.settled();
      const { headers, body } = arrived[0] as Arrived;
      assert.deepEqual([body, headers['x-site']], [['one'], 's1']);
      const id = String(headers['webhook-id']);
      assert.equal(id, String(headers['idempotency-key']).replace('.', '-'));
      const timestamp = String(headers['webhook-timestamp']);
      assert.ok(Math.abs(Number(timestamp) - Date.now() / 1_000) < 60);
      const signed = createHmac('sha256', key).update(`${id}.${timestamp}.["one"]`).digest('base64');
      assert.equal(headers['webhook-signature'], `v1,${signed}`);
    });
  }

  it('says why nobody can be reached, without the address’s secrets', async () => {
    await start({ url: 'http://127.0.0.1:1/hook?token=t', policy: { ...PATIENT, attempts: 2 } });
    await bed.note('a', 'one');
    await bed.settled();
    const [[attempts, message] = []] = await letters();
    assert.equal(attempts, 2);
    assert.match(String(message), /^http:\/\/127\.0\.0\.1:1\/hook cannot be reached: /);
  });
});
