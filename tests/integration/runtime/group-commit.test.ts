import assert from 'node:assert/strict';
import sinon from 'sinon';
import { Caller } from '../../../actors/runtime/caller.js';
import { JetStreamJournal, type Appended } from '../../../actors/runtime/journal.js';
import type { Bus } from '../../../bus/connection.js';
import { newTraceparent } from '../../../bus/headers.js';
import type { JournalEntry } from '../../../bus/messages.js';
import { STREAM } from '../../../bus/streams.js';
import { makeRef, subjects, type Ref } from '../../../bus/subjects.js';
import { startNats, type TestNats } from '../../support/nats.js';

describe('appends side by side', () => {
  let nats: TestNats;
  let bus: Bus;
  let journal: JetStreamJournal;
  let run = 0;

  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  after(() => nats.stop());
  beforeEach(() => {
    journal = new JetStreamJournal(bus);
    run += 1;
  });
  afterEach(() => sinon.restore());

  const actor = (index: number): Ref => makeRef('counter', `g${run}-${index}`);

  function append(of: Ref, expected: number, id: string, text = 'x'): Promise<Appended> {
    const entry: JournalEntry = {
      event: { type: 'add', by: 1, text },
      effects: [],
      at: 1,
      machine: 1,
      traceparent: newTraceparent(),
      node: 'n1',
    };
    return journal.append(of, entry, expected, `${run}:${id}`);
  }

  function appendAll(count: number): Promise<Appended[]> {
    return Promise.all(Array.from({ length: count }, (_, index) => append(actor(index), 0, `first-${index}`)));
  }

  async function batchOf(seq: number): Promise<string | undefined> {
    const message = await bus.manager.direct.getMessage(STREAM.journal, { seq });
    return message?.header.get('Nats-Batch-Id') || undefined;
  }

  it('go in few batches, each entry under the sequence that it has', async () => {
    const appended = await appendAll(450);
    const batches = new Map<string | undefined, number>();
    for (const [index, { seq, duplicate }] of appended.entries()) {
      assert.equal(duplicate, false);
      const { entries } = await journal.load(actor(index));
      assert.deepEqual(
        entries.map((entry) => entry.seq),
        [seq],
      );
      const batch = await batchOf(seq);
      batches.set(batch, (batches.get(batch) ?? 0) + 1);
    }
    assert.deepEqual([...batches.values()], [200, 200, 50]);
    assert.equal(batches.has(undefined), false);
  });

  it('go plainly when there is only one', async () => {
    const { seq } = await append(actor(0), 0, 'alone');
    assert.equal(await batchOf(seq), undefined);
  });

  it('are refused one by one: only the fenced one is', async () => {
    const before = await appendAll(5);
    const again = await Promise.allSettled(
      before.map(({ seq }, index) => append(actor(index), index === 3 ? seq - 1 : seq, `second-${index}`)),
    );
    assert.deepEqual(
      again.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal(((again[3] as PromiseRejectedResult).reason as { code: string }).code, 'journal.fenced');
    assert.equal((await journal.load(actor(3))).entries.length, 1);
    assert.equal((await journal.load(actor(4))).entries.length, 2);
  });

  it('say which of them is part of the state already', async () => {
    const before = await appendAll(3);
    const again = await Promise.all(
      before.map(({ seq }, index) => append(actor(index), seq, index === 1 ? 'first-1' : `second-${index}`)),
    );
    assert.deepEqual(
      again.map(({ duplicate }) => duplicate),
      [false, true, false],
    );
    assert.equal(again[1]?.seq, before[1]?.seq);
  });

  it('know their own entries again when the acknowledgement of a batch was lost', async () => {
    const request = bus.nats.request.bind(bus.nats);
    const stub = sinon.stub(bus.nats, 'request');
    stub.callThrough();
    stub.onFirstCall().callsFake(async (...args) => {
      await request(...args);
      throw new Error('the connection went away');
    });
    const appended = await appendAll(20);
    assert.equal(stub.firstCall.args[2]?.headers?.get('Nats-Batch-Commit'), '1');
    for (const [index, { seq, duplicate }] of appended.entries()) {
      assert.equal(duplicate, false);
      const { entries } = await journal.load(actor(index));
      assert.deepEqual(
        entries.map((entry) => entry.seq),
        [seq],
      );
    }
  });

  it('land when a part of their batch was lost on the way', async () => {
    const publish = bus.nats.publish.bind(bus.nats);
    const stub = sinon.stub(bus.nats, 'publish');
    stub.callsFake((...args) => {
      if (stub.callCount !== 3) publish(...args);
    });
    const appended = await appendAll(10);
    assert.ok(stub.callCount > 3);
    assert.equal(new Set(appended.map(({ seq }) => seq)).size, 10);
  });

  it('are not held up by one that is too big for the server', async () => {
    const [big, ...others] = await Promise.allSettled([
      append(actor(0), 0, 'big', 'x'.repeat(9 * 1024 ** 2)),
      append(actor(1), 0, 'small-1'),
      append(actor(2), 0, 'small-2'),
    ]);
    assert.equal(((big as PromiseRejectedResult).reason as { code: string }).code, 'journal.too_big');
    for (const { status } of others) assert.equal(status, 'fulfilled');
  });

  it('of one actor, by two activations: one lands, the other is fenced', async () => {
    const both = await Promise.allSettled([append(actor(0), 0, 'one'), append(actor(0), 0, 'two')]);
    assert.deepEqual(
      both.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    assert.equal((await journal.load(actor(0))).entries.length, 1);
  });

  it('of commands go along, many to one actor too, in the order in which they were sent', async () => {
    const caller = new Caller(bus);
    const to = actor(0);
    await Promise.all(Array.from({ length: 30 }, (_, by) => caller.tell(to, { type: 'add', by })));
    caller.close();
    const stored = await bus.manager.direct.getBatch(STREAM.commands, {
      seq: 1,
      next_by_subj: subjects.command(to),
      batch: 100,
    });
    const order: unknown[] = [];
    const batches = new Set<string>();
    for await (const message of stored) {
      order.push(message.json<{ by: number }>().by);
      batches.add(message.header.get('Nats-Batch-Id'));
    }
    assert.deepEqual(
      order,
      Array.from({ length: 30 }, (_, by) => by),
    );
    assert.equal(batches.size, 1);
    assert.equal(batches.has(''), false);
  });

  it('end when the journal is closed, also what waits for its batch', async () => {
    let refuse = (): void => undefined;
    const stub = sinon.stub(bus.jetstream, 'publish').returns(
      new Promise((_resolve, reject) => {
        refuse = () => reject(new Error('away'));
      }),
    );
    const first = append(actor(0), 0, 'first');
    const called = new Promise<void>((resolve) => setImmediate(resolve));
    await called;
    assert.equal(stub.callCount, 1);
    const waiting = append(actor(1), 0, 'waiting');
    journal.close();
    await assert.rejects(waiting, { code: 'journal.closed' });
    refuse();
    await assert.rejects(first, { code: 'journal.closed' });
  });
});
