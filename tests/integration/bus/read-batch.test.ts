import assert from 'node:assert/strict';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { readBatch } from '../../../bus/read-batch.js';
import { STREAM } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { openLink, type Link } from '../../support/link.js';
import { eventually } from '../../support/temp.js';
import { startNats, type TestNats } from '../../support/nats.js';

describe('readBatch', () => {
  const subject = subjects.deadLetter({ kind: 'counter', id: 'a' });
  let nats: TestNats;
  let link: Link;
  let bus: Bus;

  before(async () => {
    nats = await startNats();
    const writer = await nats.connect('writer');
    for (let each = 0; each < 30; each++) await writer.jetstream.publish(subject, Buffer.alloc(50_000, each));
  });
  after(() => nats.stop());
  beforeEach(async () => {
    link = await openLink(Number(new URL(nats.url).port));
    bus = await connectBus({ servers: [link.address], name: 'reader', ensureStreams: false });
  });
  afterEach(async () => {
    await bus.nats.close();
    await link.close();
  });

  const read = (seq: number, batch = 100): Promise<number[]> =>
    readBatch(bus, STREAM.deadLetters, { seq, next_by_subj: subject, batch }).then((found) =>
      found.map((message) => message.data[0] as number),
    );

  it('reads in order, as many as asked for, and to the end', async () => {
    assert.deepEqual(await read(11, 3), [10, 11, 12]);
    assert.deepEqual(await read(28), [27, 28, 29]);
    assert.equal((await read(1)).length, 30);
  });

  it('leaves no subscription behind', async () => {
    const client = bus.nats as unknown as { protocol: { subscriptions: { size(): number } } };
    const before = client.protocol.subscriptions.size();
    await read(1, 2);
    assert.deepEqual(await read(31), []);
    assert.equal(client.protocol.subscriptions.size(), before);
  });

  it('ends when the connection is lost in the middle, and reads again after it', async () => {
    link.stallAfter(400_000);
    const reading = read(1);
    reading.catch(() => undefined);
    await link.stalled;
    link.reset();
    await assert.rejects(reading, { code: 'bus.unavailable' });
    await eventually(() => (bus.status === 'connected' ? true : undefined));
    assert.equal((await read(1)).length, 30);
  });

  it('ends when the connection is closed in the middle', async () => {
    link.stallAfter(400_000);
    const reading = read(1);
    reading.catch(() => undefined);
    await link.stalled;
    await bus.nats.close();
    await assert.rejects(reading, { code: 'bus.unavailable' });
    await assert.rejects(read(1));
  });

  it('ends when the server falls silent in the middle', async () => {
    link.stallAfter(400_000);
    await assert.rejects(read(1), { code: 'bus.unavailable' });
  });

  it('refuses at once without a connection', async () => {
    const disconnected = new Promise<void>((resolve) => bus.onStatus(() => resolve()));
    link.reset();
    await disconnected;
    await assert.rejects(read(1), { code: 'bus.unavailable' });
  });
});
