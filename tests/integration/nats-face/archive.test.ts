import assert from 'node:assert/strict';
import type { StatewattClient } from '../../../actors/client/client.js';
import { connectClient } from '../../../actors/client/remote.js';
import type { Bus } from '../../../bus/connection.js';
import { StatewattError } from '../../../errors/error.js';
import { startNatsServices, type NatsServices } from '../../../facade/nats/services.js';
import { FakeClient } from '../../support/fake-client.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

const POINT = { channel: 1001, kind: 'T', id: 1 } as const;

describe('history over NATS', () => {
  let server: TestNats;
  let bus: Bus;
  let local: FakeClient;
  let services: NatsServices;
  let remote: StatewattClient;
  before(async () => {
    server = await startNats();
    bus = await server.connect('node');
  });
  after(() => server.stop());
  beforeEach(async () => {
    local = new FakeClient({ time: 1_750_000_000_000 });
    services = await startNatsServices({ nats: bus.nats, client: local, version: '1.2.3', node: 'node-1' });
    remote = await connectClient({ natsUrl: server.url });
  });
  afterEach(async () => {
    await remote.close();
    await services.stop();
  });

  const never = new AbortController().signal;
  const read = (signal = never) => remote.archive.export({ points: [POINT] }, signal);

  it('says of series and imports what the node says', async () => {
    const query = { points: [POINT], every: '1h' };
    assert.deepEqual(await remote.archive.series(query), await local.archive.series(query));
    const reply = await remote.archive.import({ rows: [{ ...POINT, time: 5, value: 1 }] });
    assert.deepEqual(reply, { rows: 1, stored: 1, replaced: 0, measured: 0, refused: [] });
  });

  it('carries a file piece by piece, in messages that the server takes', async () => {
    const large = Buffer.alloc(Math.ceil((bus.nats.info?.max_payload ?? 0) * 1.5), 'abcdefghij');
    let taken = 0;
    local.archive.export = async function* () {
      for (const piece of [large, new Uint8Array(), Buffer.from('end')]) {
        taken += 1;
        yield piece;
      }
    };
    const pieces: Uint8Array[] = [];
    for await (const piece of read()) {
      pieces.push(piece);
      // Nothing is read ahead of who asks.
      if (pieces.length === 1) assert.equal(taken, 1);
    }
    assert.ok(pieces.length === 3);
    assert.ok(Buffer.concat(pieces).equals(Buffer.concat([large, Buffer.from('end')])));
  });

  it('ends the reading when the node stops', async () => {
    const signals: AbortSignal[] = [];
    let ended = false;
    local.archive.export = async function* (_query, signal) {
      signals.push(signal);
      try {
        for (;;) yield Buffer.from('more');
      } finally {
        ended = true;
      }
    };
    for await (const piece of read()) {
      assert.equal(Buffer.from(piece).toString(), 'more');
      break;
    }
    await services.stop();
    await eventually(() => (signals[0]?.aborted === true && ended ? true : undefined));
    services = await startNatsServices({ nats: bus.nats, client: local, version: '1.2.3', node: 'node-1' });
  });

  it('hands on errors of the beginning and of the middle', async () => {
    await assert.rejects(
      async () => {
        for await (const piece of remote.archive.export({}, never)) assert.fail(`got ${piece.length} bytes`);
      },
      { code: 'history.invalid_query' },
    );
    local.archive.export = async function* () {
      yield Buffer.from('first');
      throw new StatewattError('history.unavailable', 'unavailable', 'away');
    };
    let pieces = 0;
    await assert.rejects(
      async () => {
        for await (const piece of read()) pieces += piece.length > 0 ? 1 : 0;
      },
      { code: 'history.unavailable' },
    );
    assert.equal(pieces, 1);
  });

  it('opens no more files than it may', async () => {
    const open = (reader: string) =>
      bus.nats.request('statewatt.history.export', JSON.stringify({ points: [POINT], reader }), { timeout: 5_000 });
    for (let index = 0; index < 8; index++) assert.match((await open(`reader-000${index}`)).string(), /pieces/);
    assert.match((await open('reader-0001')).string(), /nats\.reader_in_use/);
    assert.match((await open('reader-0009')).string(), /nats\.busy/);
    await bus.nats.request('statewatt.history.pieces.reader-0001', '', { timeout: 5_000 });
    for (let length = -1; length !== 0;) {
      ({ length } = (await bus.nats.request('statewatt.history.pieces.reader-0001', '', { timeout: 5_000 })).data);
    }
    assert.match((await open('reader-0009')).string(), /pieces/, 'a file that was read to its end leaves its place');
  });
});
