import assert from 'node:assert/strict';
import { createInbox } from '@nats-io/transport-node';
import sinon from 'sinon';
import { JetStreamJournal } from '../../../actors/runtime/journal.js';
import { createSystem, ref } from '../../../actors/runtime/system.js';
import { connectBus, type Bus } from '../../../bus/connection.js';
import { encodeHeaders, newTraceparent } from '../../../bus/headers.js';
import type { DeadLetter, JournalEntry } from '../../../bus/messages.js';
import { STREAM } from '../../../bus/streams.js';
import { formatRef, makeRef, subjects } from '../../../bus/subjects.js';
import { codecs, topics } from '../../../bus/topics.js';
import { counterKind } from '../../support/counter.js';
import { openLink } from '../../support/link.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('journal on JetStream', () => {
  let nats: TestNats;
  let bus: Bus;
  let journal: JetStreamJournal;
  let actor: ReturnType<typeof makeRef>;
  let next = 0;

  before(async () => {
    nats = await startNats();
    bus = await nats.connect();
  });
  after(() => nats.stop());
  beforeEach(() => {
    journal = new JetStreamJournal(bus);
    actor = makeRef('counter', `j${next++}`);
  });
  afterEach(() => sinon.restore());

  const entry = (text = 'x'): JournalEntry => ({
    event: { type: 'add', by: 1, text },
    effects: [],
    at: 1,
    machine: 1,
    traceparent: newTraceparent(),
    node: 'n1',
  });

  /** Lets the next publish reach the server, and loses its acknowledgement. */
  function loseAcknowledgement(): void {
    const publish = bus.jetstream.publish.bind(bus.jetstream);
    const stub = sinon.stub(bus.jetstream, 'publish');
    stub.callThrough();
    stub.onFirstCall().callsFake(async (...args) => {
      await publish(...args);
      throw new Error('the connection went away');
    });
  }

  it('takes entries in order and fences who is behind, the first one included', async () => {
    const first = await journal.append(actor, entry(), 0, 'a1');
    assert.equal(first.duplicate, false);
    const second = await journal.append(actor, entry(), first.seq, 'a2');
    assert.ok(second.seq > first.seq);
    await assert.rejects(journal.append(actor, entry(), first.seq, 'a3'), { code: 'journal.fenced' });
    await assert.rejects(journal.append(actor, entry(), 0, 'a4'), { code: 'journal.fenced' });
    assert.deepEqual(
      (await journal.load(actor)).entries.map(({ seq }) => seq),
      [first.seq, second.seq],
    );
  });

  it('knows its own entry again when the acknowledgement was lost', async () => {
    loseAcknowledgement();
    const appended = await journal.append(actor, entry(), 0, 'b1');
    assert.equal(appended.duplicate, false);
    const { entries } = await journal.load(actor);
    assert.deepEqual(
      entries.map(({ seq }) => seq),
      [appended.seq],
    );
  });

  it('says that an entry is part of the state already', async () => {
    const first = await journal.append(actor, entry(), 0, 'c1');
    const second = await journal.append(actor, entry(), first.seq, 'c2');
    assert.deepEqual(await journal.append(actor, entry(), second.seq, 'c1'), { seq: first.seq, duplicate: true });
  });

  it('fences a stale activation also when another has done the very same command', async () => {
    const first = await journal.append(actor, entry(), 0, 'd1');
    const other = await journal.append(actor, entry(), first.seq, 'd2');
    await journal.append(actor, entry(), other.seq, 'd3');
    await assert.rejects(journal.append(actor, entry(), first.seq, 'd3'), { code: 'journal.fenced' });
  });

  it('refuses an entry that is too big for the server, at once', async () => {
    await assert.rejects(journal.append(actor, entry('x'.repeat(9 * 1024 ** 2)), 0, 'e1'), { code: 'journal.too_big' });
  });

  it('keeps a dead letter without the state when both are too big for the server', async () => {
    const letter: DeadLetter = {
      ref: formatRef(actor),
      event: { type: 'add', by: 1 },
      error: { code: 'actors.poison', category: 'invalid', message: 'boom' },
      state: 'x'.repeat(9 * 1024 ** 2),
      seq: 1,
      at: 1,
      node: 'n1',
    };
    await journal.park(actor, letter);
    const stored = await bus.manager.direct.getMessage(STREAM.deadLetters, {
      last_by_subj: topics.deadLetter(actor).subject,
    });
    assert.deepEqual(stored?.json(), { ...letter, state: null });
  });

  it('ends its retries when it is closed', async () => {
    const stub = sinon.stub(bus.jetstream, 'publish').rejects(new Error('away'));
    const appending = journal.append(actor, entry(), 0, 'f1');
    await eventually(() => stub.called || undefined);
    journal.close();
    await assert.rejects(appending, { code: 'journal.closed' });
  });

  it('loads more entries than one batch holds', async () => {
    let seq = 0;
    for (let each = 0; each < 600; each++) ({ seq } = await journal.append(actor, entry(), seq, `g${each}`));
    const { entries } = await journal.load(actor);
    assert.equal(entries.length, 600);
    assert.equal(entries.at(-1)?.seq, seq);
  });

  it('loads though the connection breaks in the middle, and ends that when it is closed', async () => {
    let seq = 0;
    for (let each = 0; each < 20; each++)
      ({ seq } = await journal.append(actor, entry('x'.repeat(50_000)), seq, `h${each}`));
    const link = await openLink(Number(new URL(nats.url).port));
    const shaky = await connectBus({ servers: [link.address], name: 'shaky', ensureStreams: false });
    const loader = new JetStreamJournal(shaky);
    link.stallAfter(400_000);
    const loading = loader.load(actor);
    await link.stalled;
    link.reset();
    assert.equal((await loading).entries.length, 20);
    await link.close();
    const waiting = loader.load(actor);
    loader.close();
    await assert.rejects(waiting, { code: 'journal.closed' });
    await shaky.nats.close();
  });

  it('keeps the dead letters of two actors apart, though their command ids are the same', async () => {
    const other = makeRef('counter', 'other');
    for (const each of [actor, other]) {
      const error = { code: 'actors.poison', category: 'invalid', message: 'boom' } as const;
      const letter = { event: { type: 'x' }, error, state: null, seq: 0, at: 1, node: 'n1', commandId: 'same' };
      await journal.park(each, { ...letter, ref: `${each.kind}/${each.id}` });
    }
    for (const each of [actor, other]) {
      const last_by_subj = subjects.deadLetter(each);
      assert.notEqual(await bus.manager.direct.getMessage(STREAM.deadLetters, { last_by_subj }), null);
    }
  });
});

describe('commands from anybody', () => {
  let nats: TestNats;
  before(async () => {
    nats = await startNats();
  });
  after(() => nats.stop());
  afterEach(() => sinon.restore());

  it('that are none are refused, and harm nothing', async () => {
    const warn = sinon.stub(process, 'emitWarning');
    const bus = await nats.connect();
    const counter = counterKind();
    const system = createSystem({ bus, kinds: [counter], node: 'n1' });
    await system.start();
    const to = ref(counter, 'a');
    const send = (subject: string, payload: string, replyTo?: string) =>
      bus.jetstream.publish(subject, payload, {
        headers: encodeHeaders({ schema: 1, ...(replyTo === undefined ? {} : { replyTo }) }),
      });
    const codeOf = async (subject: string, payload: string): Promise<string> => {
      const inbox = createInbox();
      const answer = new Promise<string>((resolve) => {
        bus.nats.subscribe(inbox, {
          max: 1,
          callback: (_error, message) => {
            const body = codecs.answer.decode(message.data);
            resolve(body.ok ? 'ok' : body.error.code);
          },
        });
      });
      await send(subject, payload, inbox);
      return answer;
    };
    const subject = subjects.command(to);
    assert.equal(await codeOf(subject, '{"type":'), 'bus.bad_payload');
    for (const payload of ['null', '7', '{}', '{"type":1}']) {
      assert.equal(await codeOf(subject, payload), 'actors.invalid_command', payload);
    }
    assert.equal(await codeOf(subject, '{"type":"constructor"}'), 'actors.unknown_command');
    const foreign = subject.replace(/^cmd\.(\d+)/, (_, partition) => `cmd.${(Number(partition) + 1) % 32}`);
    assert.equal(await codeOf(foreign, '{"type":"add","by":1}'), 'actors.invalid_ref');
    // An answer that cannot be sent is a warning; the command stands.
    await send(subject, '{"type":"add","by":1}', 'no subject');
    // Nobody waits for that one, and an ask to an actor of the same node may overtake it.
    await eventually(async () => ((await system.query(to)).context as { total: number }).total === 1 || undefined);
    assert.equal(await system.ask(to, { type: 'add', by: 1 }), 2);
    assert.match(String(warn.firstCall.args[0]), /an answer to "no subject" could not be sent/);
    assert.equal(system.inspect(to)?.restarts, 0);
    await system.stop();
  });
});
