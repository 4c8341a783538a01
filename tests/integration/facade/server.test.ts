import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { AlarmsUpdate } from '../../../actors/client/alarm-watch.js';
import { createHttpFacade, type HttpFacade } from '../../../facade/http/server.js';
import { FakeClient } from '../../support/fake-client.js';
import { eventually, tempFolder } from '../../support/temp.js';

interface Update {
  channel: number;
  time: number;
  points: { address: string; value: number }[];
}

/** The events of a stream, one after the other, as a browser's EventSource takes them apart. */
async function* events<Event = Update>(answer: Response): AsyncGenerator<Event, undefined> {
  assert.ok(answer.body);
  let text = '';
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const event = text.slice(0, end);
      text = text.slice(end + 2);
      if (event.startsWith('data: ')) yield JSON.parse(event.slice('data: '.length)) as Event;
    }
  }
}

describe('HTTP server', () => {
  const client = new FakeClient({ channels: 2 });
  let facade: HttpFacade;
  let url: string;

  beforeEach(async () => {
    facade = createHttpFacade({ client, port: 0 });
    url = await facade.listen();
  });
  afterEach(() => facade.close());

  /** What the server answers to bytes that no well-behaved client sends. */
  async function raw(request: string): Promise<string> {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.end(request);
    let answer = '';
    for await (const chunk of socket) answer += String(chunk);
    return answer;
  }

  it('listens on this machine only unless told otherwise', async () => {
    assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/);
    const answer = await fetch(`${url}/health/live`);
    assert.deepEqual([answer.status, await answer.json()], [200, { status: 'alive' }]);
  });

  it('names itself so that a browser can follow, whatever it listens on', async () => {
    for (const [host, pattern] of [
      ['0.0.0.0', /^http:\/\/localhost:\d+$/],
      ['localhost', /^http:\/\/localhost:\d+$/],
    ] as const) {
      const other = createHttpFacade({ client, host, port: 0 });
      const address = await other.listen();
      try {
        assert.match(address, pattern);
        assert.equal((await fetch(`${address}/health/live`)).status, 200);
      } finally {
        await other.close();
      }
    }
  });

  it('says when the port is taken', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const other = createHttpFacade({ client, port });
    await assert.rejects(other.listen(), { code: 'http.port_in_use', category: 'conflict' });
    await other.close();
    await new Promise((resolve) => holder.close(resolve));
  });

  it('says when the address is not of this machine', async () => {
    const other = createHttpFacade({ client, host: '192.0.2.1', port: 0 });
    await assert.rejects(other.listen(), { code: 'http.listen_failed', category: 'unavailable' });
    await other.close();
  });

  it('refuses a request without a host', async () => {
    assert.match(await raw('GET /api/v1/channels HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 421 /);
    assert.match(await raw('GET /api/v1/channels HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 421 /);
  });

  it('pushes changes while the browser reads, and forgets it when it goes', async () => {
    const leave = new AbortController();
    const answer = await fetch(`${url}/api/v1/points/stream?channel=1002`, { signal: leave.signal });
    assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    const stream = events(answer);
    for (let cycle = 0; cycle < 3; cycle++) {
      client.tick();
      const { value } = (await stream.next()) as { value: Update };
      assert.equal(value.channel, 1002);
      assert.equal(value.time, client.time);
      const { value: live } = await client.point(1002, 'T', 1);
      assert.equal(value.points.find((point) => point.address === 'comsrv:1002:T:1')?.value, live);
    }
    leave.abort();
    await eventually(() => (client.watchers === 0 ? true : undefined), { what: 'the watcher ends' });
  });

  it('streams changed alarms of the levels and sources that are asked for', async () => {
    const leave = new AbortController();
    const query = 'levels=Critical,Major&source=pv-*';
    const answer = await fetch(`${url}/api/v1/alarms/stream?${query}`, { signal: leave.signal });
    const stream = events<AlarmsUpdate>(answer);
    await client.alarms.raise({ source: 'pv-1', title: 'Not severe', level: 'Minor' });
    await client.alarms.raise({ source: 'meter', title: 'Elsewhere', level: 'Critical' });
    const raised = await client.alarms.raise({ source: 'pv-1', title: 'Isolation fault', level: 'Critical' });
    assert.deepEqual((await stream.next()).value, { alarms: [raised], missed: false });
    leave.abort();
    await eventually(() => (client.alarms.watchers === 0 ? true : undefined), { what: 'the watcher ends' });
    assert.equal((await fetch(`${url}/api/v1/alarms/stream?levels=Loud`)).status, 400);
  });

  it('answers 404 for the stream of a channel that is not there, and 400 for one that cannot be', async () => {
    assert.equal((await fetch(`${url}/api/v1/points/stream?channel=9`)).status, 404);
    assert.equal((await fetch(`${url}/api/v1/points/stream?channel=x`)).status, 400);
    assert.equal(client.watchers, 0);
  });

  it('closes with streams open, at once, and ends them', async () => {
    const answer = await fetch(`${url}/api/v1/points/stream`);
    const stream = events(answer);
    const next = stream.next();
    const start = performance.now();
    await facade.close();
    assert.ok(performance.now() - start < 2500, 'waited for the grace time of 5 s');
    assert.deepEqual(await next, { value: undefined, done: true });
    assert.equal(client.watchers, 0);
    await assert.rejects(fetch(`${url}/health/live`));
  });

  it('answers what is under way before it closes', async () => {
    const write = client.write.bind(client);
    const gate = new EventTarget();
    const entered = new Promise<void>((resolve) => {
      client.write = async (request) => {
        resolve();
        await once(gate, 'open');
        return write(request);
      };
    });
    const answer = fetch(`${url}/api/v1/points/1001:A:1/write`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"value":7}',
    });
    await entered;
    const closed = facade.close();
    gate.dispatchEvent(new Event('open'));
    assert.equal((await answer).status, 200);
    await closed;
    client.write = write;
  });
});

describe('HTTP server that closes', () => {
  it('does not wait for connections that browsers opened ahead of need', async () => {
    const facade = createHttpFacade({ client: new FakeClient(), port: 0 });
    const url = await facade.listen();
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    await once(socket, 'connect');
    await fetch(`${url}/health/live`); // by then the server has taken the connection
    const closed = once(socket, 'close');
    await facade.close();
    await closed;
  });

  it('gives up on a request that does not end', async () => {
    const client = new FakeClient();
    const facade = createHttpFacade({ client, port: 0, closeGraceMs: 50 });
    const url = await facade.listen();
    const entered = new Promise<void>((resolve) => {
      client.channels = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const answer = assert.rejects(fetch(`${url}/api/v1/channels`));
    await entered;
    await facade.close();
    await answer;
  });
});

describe('HTTP server with a web page', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let facade: HttpFacade;
  let url: string;

  before(async () => {
    folder = await tempFolder();
    const webRoot = join(folder.path, 'web');
    await mkdir(join(webRoot, 'assets'), { recursive: true });
    await writeFile(join(webRoot, 'index.html'), '<!doctype html><title>Statewatt</title>');
    await writeFile(join(webRoot, 'assets', 'page-a1b2c3.js'), 'export {};');
    await writeFile(join(folder.path, 'secret.txt'), 'secret');
    facade = createHttpFacade({ client: new FakeClient(), port: 0, webRoot });
    url = await facade.listen();
  });
  after(async () => {
    await facade.close();
    await folder.remove();
  });

  it('serves the page, asked for again each time and never framed', async () => {
    for (const path of ['/', '/index.html', '/?channel=1001']) {
      const answer = await fetch(url + path);
      assert.equal(answer.status, 200, path);
      assert.match(await answer.text(), /<title>Statewatt/);
      assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8');
      assert.equal(answer.headers.get('cache-control'), 'no-cache');
      assert.match(answer.headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/);
    }
  });

  it('lets browsers keep files that carry a hash in their name', async () => {
    const answer = await fetch(`${url}/assets/page-a1b2c3.js`);
    assert.match(answer.headers.get('content-type') ?? '', /javascript/);
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=31536000, immutable');
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  });

  it('answers a view of the page with the page, and nothing else with it', async () => {
    const status = async (path: string, accept: string) => (await fetch(url + path, { headers: { accept } })).status;
    const html = 'text/html,application/xhtml+xml';
    assert.equal(await status('/channels/1001', html), 200);
    assert.equal(await status('/assets/gone.js', '*/*'), 404);
    assert.equal(await status('/channels/1001', 'application/json'), 404);
    assert.equal(await status('/api/v1/nothing', html), 404);
    assert.equal(await status('/api', html), 404);
    assert.equal(await status('/metrics', html), 404);
    const posted = await fetch(`${url}/channels/1001`, {
      method: 'POST',
      headers: { accept: html, 'content-type': 'application/json' },
    });
    assert.equal(posted.status, 404);
  });

  it('serves nothing beside the page’s folder', async () => {
    for (const path of ['/..%2fsecret.txt', '/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt']) {
      assert.doesNotMatch(await (await fetch(url + path)).text(), /^secret/, path);
    }
  });

  it('says when the page was not built', () => {
    const webRoot = join(folder.path, 'nothing');
    assert.throws(() => createHttpFacade({ client: new FakeClient(), port: 0, webRoot }), { code: 'http.web_root' });
  });
});
