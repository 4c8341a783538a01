import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pino } from 'pino';
import sinon, { type SinonFakeTimers } from 'sinon';
import { StatewattError } from '../../../errors/error.js';
import { EventStreams } from '../../../facade/http/stream.js';
import { FakeClient } from '../../support/fake-client.js';

/** A browser's end that takes all, or nothing while `full`. */
class FakeResponse extends EventEmitter {
  readonly written: string[] = [];
  full = false;
  writableNeedDrain = false;
  ended = false;
  destroyed = false;
  writeHead(): this {
    return this;
  }
  write(text: string): boolean {
    this.written.push(text);
    this.writableNeedDrain = this.full;
    this.emit('written');
    return !this.full;
  }
  drain(): void {
    this.full = false;
    this.writableNeedDrain = false;
    this.emit('drain');
  }
  end(): void {
    this.ended = true;
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
  get events(): unknown[] {
    return this.written
      .filter((text) => text.startsWith('data: '))
      .map((text) => JSON.parse(text.slice('data: '.length)) as unknown);
  }
}

describe('event streams', () => {
  const context = { requestId: 'r-1', log: pino({ level: 'silent' }) };
  let client: FakeClient;
  let response: FakeResponse;

  beforeEach(() => {
    client = new FakeClient({ channels: 2, time: 1_000_000 });
    response = new FakeResponse();
  });
  afterEach(() => sinon.restore());

  const run = (streams: EventStreams, filter: { channel?: number } = {}) =>
    streams.run(response as unknown as ServerResponse, (signal) => client.watchPoints(filter, signal), context);

  it('send each change of the channel as one event, and end when the browser goes', async () => {
    const streams = new EventStreams();
    const done = run(streams, { channel: 1001 });
    assert.deepEqual([streams.size, client.watchers], [1, 1]);
    client.tick();
    await once(response, 'written');
    const [update] = response.events as { channel: number; time: number; points: { address: string }[] }[];
    assert.equal(response.events.length, 1);
    assert.deepEqual([update?.channel, update?.time], [1001, 1_001_000]);
    assert.equal(update?.points[0]?.address, 'comsrv:1001:T:1');
    response.emit('close');
    await done;
    assert.deepEqual([streams.size, client.watchers], [0, 0]);
  });

  it('hold one update for a browser that does not read, which then gets the newest', async () => {
    const streams = new EventStreams();
    response.full = true;
    const done = run(streams, { channel: 1001 });
    client.tick();
    await once(response, 'written');
    for (let cycle = 0; cycle < 1000; cycle++) client.tick();
    await new Promise(setImmediate);
    assert.equal(response.events.length, 1, 'nothing more is written while the browser is behind');
    response.drain();
    await once(response, 'written');
    assert.deepEqual(
      (response.events as { time: number }[]).map((event) => event.time),
      [1_001_000, client.time],
    );
    response.emit('close');
    await done;
  });

  it('end when the server closes, and take no new one', async () => {
    const streams = new EventStreams();
    response.full = true;
    const done = run(streams);
    client.tick();
    await once(response, 'written');
    streams.close();
    await done;
    assert.ok(response.ended);
    assert.equal(client.watchers, 0);
    assert.throws(() => streams.admit(), { code: 'http.closing', category: 'unavailable' });
  });

  it('are bounded in number', async () => {
    const streams = new EventStreams({ maxStreams: 1 });
    streams.admit();
    const done = run(streams);
    assert.throws(() => streams.admit(), { code: 'http.too_many_streams', category: 'busy', retryAfterMs: 5000 });
    response.emit('close');
    await done;
    streams.admit();
  });

  it('tell the browser why they fail', async () => {
    sinon.stub(client, 'watchPoints').callsFake(() => {
      throw new StatewattError('bus.away', 'unavailable', 'The bus is away.');
    });
    await run(new EventStreams());
    const failed = response.written.at(-1) ?? '';
    assert.match(failed, /^event: failed\ndata: \{.*"code":"bus\.away".*"requestId":"r-1".*\}\n\n$/);
    assert.ok(response.ended);
  });

  describe('heartbeat', () => {
    let clock: SinonFakeTimers;
    beforeEach(() => {
      clock = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    });

    it('keeps a silent link alive and stops with it', async () => {
      const done = run(new EventStreams({ heartbeatMs: 100 }));
      clock.tick(250);
      assert.equal(response.written.filter((text) => text === ': alive\n\n').length, 2);
      response.emit('close');
      await done;
      assert.equal(clock.countTimers(), 0);
    });

    it('drops a browser that took nothing for a whole interval', async () => {
      const done = run(new EventStreams({ heartbeatMs: 100 }));
      response.full = true;
      client.tick();
      await once(response, 'written');
      clock.tick(100);
      assert.equal(response.destroyed, false);
      clock.tick(100);
      assert.equal(response.destroyed, true);
      await done;
    });
  });
});
