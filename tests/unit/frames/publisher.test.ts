import assert from 'node:assert/strict';
import { JetStreamApiError, PubHeaders } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { Commits } from '../../../actors/frames/frame-stream.js';
import { FramePublisher } from '../../../actors/frames/publisher.js';
import { Spool } from '../../../actors/frames/spool.js';
import type { Bus, BusStatus } from '../../../bus/connection.js';
import { frameName } from '../../../bus/frame-codec.js';
import { frame, names } from '../../support/frames.js';
import { eventually, tempFolder } from '../../support/temp.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

interface Sent {
  readonly name: string;
  readonly subject: string;
  readonly expected: number;
  ack(): void;
  refuse(error: Error): void;
}

/** A bus whose stream answers when the test says so; it keeps what was acknowledged. */
class FakeBus {
  status: BusStatus = 'connected';
  /** Acknowledge at once. */
  auto = true;
  readonly sent: Sent[] = [];
  readonly stored: { subject: string; data: Uint8Array; seq: number }[] = [];
  #listeners = new Set<(status: BusStatus) => void>();
  readonly commits: Commits = {
    write: ({ subject, payload: data, headers }) =>
      new Promise((resolve, reject) => {
        const { epoch, seq } = frameName(data);
        const sent: Sent = {
          name: `${epoch}/${seq}`,
          subject,
          expected: Number(headers.get(PubHeaders.ExpectedLastSubjectSequenceHdr)),
          ack: () => {
            const last = this.stored.findLast((message) => message.subject === subject)?.seq ?? 0;
            if (sent.expected !== last) {
              reject(new JetStreamApiError({ code: 400, err_code: 10071, description: 'wrong last sequence' }));
              return;
            }
            this.stored.push({ subject, data, seq: this.stored.length + 1 });
            resolve({ seq: this.stored.length, duplicate: false });
          },
          refuse: reject,
        };
        this.sent.push(sent);
        if (this.auto) sent.ack();
      }),
  };
  readonly manager = {
    direct: {
      getMessage: (_stream: string, { last_by_subj }: { last_by_subj: string }) =>
        Promise.resolve(this.stored.findLast((message) => message.subject === last_by_subj) ?? null),
    },
  };

  onStatus(listener: (status: BusStatus) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  set(status: BusStatus): void {
    this.status = status;
    for (const listener of this.#listeners) listener(status);
  }
  names(): string[] {
    return this.stored.map(({ data }) => {
      const { epoch, seq } = frameName(data);
      return `${epoch}/${seq}`;
    });
  }
}

describe('FramePublisher, against a stream that answers as told', () => {
  let bus: FakeBus;
  let spool: Spool;
  let publisher: FramePublisher;
  let remove: () => Promise<void>;
  beforeEach(async () => {
    const folder = await tempFolder();
    remove = folder.remove;
    bus = new FakeBus();
    spool = await Spool.open({ folder: folder.path, maxBytes: 4_000 });
    publisher = new FramePublisher(bus as unknown as Bus, spool, bus.commits);
  });
  afterEach(async () => {
    bus.auto = true;
    for (const sent of bus.sent) sent.refuse(new Error('over'));
    await publisher.close();
    await remove();
  });
  const fences: string[] = [];
  const line = () => publisher.openLine((error) => fences.push(error.code));
  const replayed = () => eventually(() => (publisher.spooling ? undefined : true));

  it('says when there is room for more, so that who has many needs no spool', async () => {
    bus.auto = false;
    const one = line();
    for (let seq = 1; seq <= 7; seq++) one.publish(frame(1, 5, seq));
    assert.equal(one.room?.(), undefined);
    one.publish(frame(1, 5, 8));
    let roomy = 0;
    const waits = [one.room?.(), one.room?.()].map(async (room) => {
      await room;
      roomy += 1;
    });
    await turn();
    assert.equal(roomy, 0);
    bus.sent[0]?.ack();
    await Promise.all(waits);
    assert.deepEqual([roomy, bus.sent.length], [2, 2]);
    one.publish(frame(1, 5, 9));
    const away = one.room?.();
    bus.set('disconnected');
    await away; // The spool takes what follows.
    assert.equal(one.room?.(), undefined);
    assert.equal(publisher.counters.spooled, 8);
  });

  it('sends one frame of a channel at a time, each fenced by the one before', async () => {
    bus.auto = false;
    const one = line();
    for (let seq = 1; seq <= 3; seq++) one.publish(frame(1, 5, seq));
    await turn();
    assert.equal(bus.sent.length, 1);
    for (let index = 0; index < 3; index++) {
      bus.sent[index]?.ack();
      await turn();
    }
    assert.deepEqual(
      bus.sent.map(({ name, expected }) => [name, expected]),
      [
        ['5/1', 0],
        ['5/2', 1],
        ['5/3', 2],
      ],
    );
    assert.deepEqual(publisher.counters, {
      published: 3,
      spooled: 0,
      replayed: 0,
      refused: 0,
      superseded: 0,
      damagedBytes: 0,
    });
  });

  it('sends a frame that is queued just when the line falls idle', async () => {
    bus.auto = false;
    const one = line();
    one.publish(frame(1, 5, 1));
    await turn();
    bus.sent[0]?.ack();
    // Queue the next in every microtask in which the line may be about to end.
    for (let seq = 2; seq <= 8; seq++) {
      await Promise.resolve();
      one.publish(frame(1, 5, seq));
    }
    for (let index = 1; index < 8; index++) {
      await turn();
      bus.sent[index]?.ack();
    }
    await turn();
    assert.deepEqual(bus.names(), names(5, 8));
    await one.close();
  });

  it('keeps a short queue, then goes over the spool, and comes back', async () => {
    bus.auto = false;
    const one = line();
    for (let seq = 1; seq <= 40; seq++) one.publish(frame(1, 5, seq));
    assert.equal(publisher.counters.spooled, 40);
    assert.match(publisher.lastError ?? '', /does not keep up/);
    assert.equal(publisher.spooling, true);
    bus.auto = true;
    for (const sent of bus.sent) sent.ack();
    await replayed();
    assert.equal(publisher.lastError, null);
    one.publish(frame(1, 5, 41));
    await turn();
    assert.deepEqual(bus.names(), names(5, 41));
    assert.equal(publisher.counters.replayed, 40);
    assert.equal(publisher.counters.published, 1);
    assert.equal(publisher.spoolBytes, 0);
  });

  it('does not touch the disk for a line that had nothing to say while the bus was away', async () => {
    const one = line();
    bus.set('disconnected');
    bus.set('connected');
    one.publish(frame(1, 5, 1));
    await turn();
    assert.equal(publisher.counters.published, 1);
    assert.equal(publisher.counters.spooled, 0);
  });

  it('opens a line over the spool while the bus is away', async () => {
    bus.set('disconnected');
    const one = line();
    one.publish(frame(1, 5, 1));
    one.publish(frame(1, 5, 2));
    assert.equal(publisher.counters.spooled, 2);
    assert.equal(publisher.spooling, true);
    await turn();
    assert.equal(bus.sent.length, 0);
    bus.set('connected');
    await replayed();
    assert.deepEqual(bus.names(), names(5, 2));
  });

  it('takes a frame whose acknowledgement was lost for stored, not twice', async () => {
    bus.auto = false;
    const one = line();
    one.publish(frame(1, 5, 1));
    await turn();
    // It landed, but nobody heard.
    bus.stored.push({ subject: bus.sent[0]?.subject ?? '', data: encoded(bus, 0), seq: 1 });
    bus.auto = true;
    bus.sent[0]?.refuse(new Error('timeout'));
    await eventually(() => (publisher.counters.replayed === 1 ? true : undefined));
    await replayed();
    one.publish(frame(1, 5, 2));
    await turn();
    assert.deepEqual(bus.names(), names(5, 2));
  });

  it('does not lose the frames behind one that the server never takes, and counts that one', async () => {
    for (const never of [
      new JetStreamApiError({ code: 400, err_code: 10054, description: 'message size exceeds maximum allowed' }),
      errors.InvalidArgumentError.format('payload', 'max_payload size exceeded'),
    ]) {
      bus.auto = false;
      bus.sent.length = 0;
      const one = line();
      const epoch = bus.stored.length + 5;
      one.publish(frame(1, epoch, 1));
      one.publish(frame(1, epoch, 2));
      await turn();
      bus.auto = true;
      bus.sent[0]?.refuse(never);
      await turn();
      assert.equal(bus.names().at(-1), `${epoch}/2`);
    }
    assert.equal(publisher.counters.refused, 2);
    assert.equal(publisher.counters.spooled, 0);
    assert.match(publisher.lastError ?? '', /max_payload/);
  });

  it('counts such a frame of the spool, and goes on', async () => {
    bus.set('disconnected');
    const one = line();
    one.publish(frame(1, 5, 1));
    one.publish(frame(1, 5, 2));
    bus.auto = false;
    bus.set('connected');
    await eventually(() => bus.sent[0]);
    bus.auto = true;
    bus.sent[0]?.refuse(new JetStreamApiError({ code: 400, err_code: 10054, description: 'too large' }));
    await replayed();
    assert.deepEqual(bus.names(), ['5/2']);
    assert.equal(publisher.counters.refused, 1);
    assert.equal(publisher.counters.replayed, 1);
  });

  it('counts each replayed frame once, however often a segment is tried', async () => {
    bus.set('disconnected');
    const lines = [line(), line()] as const;
    for (let seq = 1; seq <= 3; seq++) lines.forEach((each, index) => each.publish(frame(index + 1, 5, seq)));
    bus.auto = false;
    bus.set('connected');
    await eventually(() => bus.sent[1]);
    bus.sent[0]?.ack();
    bus.sent[1]?.refuse(new Error('not now'));
    await eventually(() => bus.sent[2]);
    bus.auto = true;
    bus.sent[2]?.refuse(new Error('not now'));
    await replayed();
    assert.equal(publisher.counters.replayed, 6);
    assert.equal(bus.stored.length, 6);
  });

  it('tells a stale activation, keeps what it had queued, and counts what it sends afterwards', async () => {
    bus.auto = false;
    const stale = line();
    for (let seq = 1; seq <= 3; seq++) stale.publish(frame(1, 5, seq));
    await turn();
    bus.stored.push({ subject: bus.sent[0]?.subject ?? '', data: encoded(bus, 0, 6), seq: 1 });
    fences.length = 0;
    bus.sent[0]?.ack();
    await turn();
    assert.deepEqual(fences, ['frames.fenced']);
    assert.equal(publisher.counters.spooled, 3);
    stale.publish(frame(1, 5, 4));
    assert.equal(publisher.counters.superseded, 1);
  });

  it('refuses, counted, when the spool is full', async () => {
    bus.set('disconnected');
    const one = line();
    for (let seq = 1; seq <= 100; seq++) one.publish(frame(1, 5, seq));
    const { spooled, refused } = publisher.counters;
    assert.equal(spooled + refused, 100);
    assert.equal(spooled, Math.floor(4_000 / (8 + 32 + 26)));
    assert.equal(publisher.lastError, 'the spool is full');
    bus.set('connected');
    await replayed();
    assert.deepEqual(bus.names(), names(5, spooled));
    one.publish(frame(1, 5, 101));
    await turn();
    assert.equal(bus.names().at(-1), '5/101');
  });

  it('closes with the bus away and keeps what is left for the next start', async () => {
    bus.set('disconnected');
    const one = line();
    one.publish(frame(1, 5, 1));
    await one.close();
    await publisher.close();
    assert.ok(spool.bytes > 0);
    assert.equal(bus.sent.length, 0);
  });
});

/** The bytes of the frame that was sent at `index`, with another epoch if given. */
function encoded(bus: FakeBus, index: number, epoch?: number): Uint8Array {
  const bytes = new Uint8Array(58);
  const view = new DataView(bytes.buffer);
  const [ownEpoch = '0', seq = '0'] = (bus.sent[index]?.name ?? '').split('/');
  view.setUint8(0, 1);
  view.setUint32(4, 1, true);
  view.setFloat64(8, epoch ?? Number(ownEpoch), true);
  view.setUint32(24, Number(seq), true);
  return bytes;
}
