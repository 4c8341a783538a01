import assert from 'node:assert/strict';
import type { Bus } from '../../../bus/connection.js';
import { PARTITIONS } from '../../../bus/subjects.js';
import { createSystem, ref, type ActorSystem } from '../../../actors/runtime/system.js';
import { tellSink } from '../../../actors/sinks/tell.js';
import { counterKind } from '../../support/counter.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { notifierKind } from '../../support/notifier.js';
import { PATIENT } from '../../support/sinks.js';
import { eventually } from '../../support/temp.js';

describe('tellSink', function () {
  this.timeout(60_000);
  let nats: TestNats;
  const systems: ActorSystem[] = [];

  before(async () => {
    nats = await startNats();
  });
  after(async () => {
    for (const system of systems) await system.stop().catch(() => undefined);
    await nats.stop();
  });

  /** The first send of each effect is queued, and the node does not hear of it. */
  async function join(name: string) {
    const bus = await nats.connect(name);
    const counter = counterKind();
    const sink = tellSink<{ text: string }, typeof counter>({
      kind: counter,
      id: ({ text }) => (text === 'wrong' ? 'not an id' : 'sum'),
      command: () => ({ type: 'add', by: 1 }),
      policy: { ...PATIENT, attempts: 5 },
    });
    const notifier = notifierKind(async (run) => {
      await sink.run(run);
      if (run.attempt === 1) throw new Error('the acknowledgement was lost');
    }, sink.policy);
    const system = createSystem({ bus, kinds: [notifier, counter], node: name });
    systems.push(system);
    await system.start();
    return { bus, system, notifier, counter };
  }

  async function cut(bus: Bus): Promise<void> {
    await bus.nats.close();
    await systems
      .shift()
      ?.stop()
      .catch(() => undefined);
  }

  it('has each command done once, though the node ends in the middle and acknowledgements are lost', async () => {
    const first = await join('n1');
    for (let each = 0; each < 40; each++) {
      await first.system.ask(ref(first.notifier, String(each % 4)), { type: 'note', text: 'x' });
    }
    await cut(first.bus);
    const next = await join('n2');
    await eventually(() => (next.system.owned.size === PARTITIONS ? true : undefined), { what: 'all partitions' });
    for (let each = 0; each < 10; each++) {
      await next.system.ask(ref(next.notifier, String(each % 4)), { type: 'note', text: 'x' });
    }
    const sum = async () => ((await next.system.query(ref(next.counter, 'sum'))).context as { total: number }).total;
    await eventually(async () => ((await sum()) >= 50 ? true : undefined), { within: 30_000 });
    await next.system.ask(ref(next.notifier, '0'), { type: 'note', text: 'wrong' });
    const letter = await eventually(async () => (await next.system.deadLetters.list())[0]);
    assert.equal(letter.letter.error.code, 'actors.invalid_ref');
    assert.equal(await sum(), 50);
  });
});
