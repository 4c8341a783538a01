import assert from 'node:assert/strict';
import { newTraceparent } from '../../../bus/headers.js';
import { STREAM } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { counterKind } from '../../support/counter.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { eventually } from '../../support/temp.js';

describe('an actor, seen from another process', function () {
  let nats: TestNats;
  let owner: ActorSystem;
  /** Never started: it owns nothing, so all it knows it has from the owner. */
  let onlooker: ActorSystem;
  const counter = counterKind();

  before(async () => {
    nats = await startNats();
    owner = createSystem({ bus: await nats.connect('owner'), kinds: [counter], node: 'n1' });
    onlooker = createSystem({ bus: await nats.connect('onlooker'), kinds: [counter], node: 'onlooker' });
    await owner.start();
  });
  after(async () => {
    await onlooker?.stop();
    await owner?.stop();
    await nats?.stop();
  });

  it('shows state, node, mailbox, restarts, last error and last transitions', async () => {
    const to = ref(counter, 'a');
    await onlooker.ask(to, { type: 'add', by: 2 });
    await onlooker.kill(to);
    await eventually(async () => ((await onlooker.look(to))?.state === 'open' ? true : undefined));
    await onlooker.ask(to, { type: 'lock' });
    const inside = await onlooker.look(to);
    assert.ok(inside);
    assert.deepEqual(
      [inside.ref, inside.state, inside.node, inside.mailbox, inside.restarts, inside.lastError, inside.context],
      ['counter/a', 'locked', 'n1', 0, 1, 'killed by an operator', { total: 2 }],
    );
    assert.deepEqual(
      inside.transitions.map(({ event, from, to: state, seq }) => ({ event, from, state, seq })),
      [{ event: 'lock', from: 'open', state: 'locked', seq: inside.seq }],
    );
  });

  it('has the caller’s trace and correlation in its journal, with a span of its own', async () => {
    const to = ref(counter, 'b');
    const traceparent = newTraceparent();
    await onlooker.ask(to, { type: 'add', by: 1 }, { traceparent, correlationId: 'order-7' });
    const subject = subjects.journal(to);
    const stored = await nats
      .connect('reader')
      .then(({ manager }) => manager.direct.getMessage(STREAM.journal, { last_by_subj: subject }));
    assert.ok(stored);
    const entry = codecs.journal.decode(stored.data);
    const [, trace, span] = traceparent.split('-');
    const [, itsTrace, itsSpan] = entry.traceparent.split('-');
    assert.equal(itsTrace, trace);
    assert.notEqual(itsSpan, span);
    assert.equal(entry.correlationId, 'order-7');
  });

  it('is not held up by a neighbour that has more to do than it can', async () => {
    const hot = ref(counter, 'hot');
    const neighbours = Array.from({ length: 50 }, (_, index) => ref(counter, `n${index}`));
    const flood = Array.from({ length: 2_000 }, () =>
      onlooker.ask(hot, { type: 'add', by: 1 }, { deadline: 15_000 }).catch((error: unknown) => error),
    );
    const answers = await Promise.all(
      neighbours.map((to) => onlooker.ask(to, { type: 'add', by: 1 }, { deadline: 15_000 })),
    );
    assert.deepEqual(answers, Array<number>(50).fill(1));
    const results = await Promise.all(flood);
    const done = results.filter((result) => typeof result === 'number');
    const refused = results
      .filter((result) => typeof result !== 'number')
      .map((error) => (error as { code: string }).code);
    assert.deepEqual([...new Set(refused)], refused.length === 0 ? [] : ['actors.busy']);
    assert.ok(refused.length > 0, 'the flood found its bound');
    assert.deepEqual(
      done,
      Array.from({ length: done.length }, (_, index) => index + 1),
      'in order, none lost',
    );
    assert.ok(owner.counters.refusedBusy >= refused.length, 'it is counted');
  });
});
