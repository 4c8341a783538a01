import assert from 'node:assert/strict';
import sinon from 'sinon';
import { createSystem, type ActorSystem } from '../../../actors/runtime/system.js';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { startNats, type TestNats } from '../../support/nats.js';
import { sleeper, sleeperKind } from '../../support/sleeper.js';
import { eventually } from '../../support/temp.js';

describe('durable timers on JetStream', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let observer: Bus;
  const systems: ActorSystem[] = [];

  async function start(node = 'n1'): Promise<{ system: ActorSystem; bus: Bus }> {
    const bus = await nats.connect(node);
    const system = createSystem({ bus, kinds: [sleeperKind], node });
    systems.push(system);
    await system.start();
    return { system, bus };
  }

  /** As a crash would end it: nothing is said to anybody. */
  async function cut({ system, bus }: { system: ActorSystem; bus: Bus }): Promise<void> {
    systems.splice(systems.indexOf(system), 1);
    await bus.nats.close();
    await system.stop().catch(() => undefined);
  }

  beforeEach(async () => {
    nats = await startNats();
    observer = await nats.connect('observer');
  });
  afterEach(async () => {
    sinon.restore();
    for (const system of systems.splice(0)) await system.stop();
    await nats.stop();
  });

  interface Inside {
    readonly woken: readonly number[];
    readonly heard: readonly string[];
  }
  const inside = async (system: ActorSystem, id: string) => (await system.query(sleeper(id))).context as Inside;
  /** Types of all events in the actor's journal. */
  async function events(id: string): Promise<string[]> {
    const types: string[] = [];
    const subject = subjects.journal(sleeper(id));
    const last = await observer.manager.direct.getMessage(STREAM.journal, { last_by_subj: subject });
    if (last === null) return types;
    for await (const message of await observer.manager.direct.getBatch(STREAM.journal, {
      seq: 1,
      next_by_subj: subject,
      batch: 500,
    })) {
      types.push(codecs.journal.decode(message.data).event.type);
    }
    return types;
  }
  const kept = async (): Promise<number> => (await observer.manager.streams.info(STREAM.timers)).state.messages;
  const empty = () => eventually(async () => ((await kept()) === 0 ? true : undefined), { what: 'no timers kept' });
  const firing = 'xstate.after.nap.sleeper.asleep';

  it('fire once, not early, and leave nothing behind', async () => {
    const { system } = await start();
    const begun = Date.now();
    await system.ask(sleeper('a'), { type: 'sleep', ms: 300 });
    await eventually(async () => ((await inside(system, 'a')).woken.length > 0 ? true : undefined));
    const [woken = 0] = (await inside(system, 'a')).woken;
    assert.ok(woken >= begun + 300, `${woken - begun} ms`);
    await empty();
    assert.deepEqual(await events('a'), ['sleep', firing]);
  });

  it('do not fire when they are cancelled or set again', async () => {
    const { system } = await start();
    // So late that none is due before the command that takes it back, on a machine that is busy too.
    await system.ask(sleeper('b'), { type: 'sleep', ms: 2_000 });
    await system.ask(sleeper('b'), { type: 'sleep', ms: 2_500 });
    await system.ask(sleeper('b'), { type: 'wake' });
    await system.ask(sleeper('b'), { type: 'remind', ms: 2_000, text: 'tea' });
    await system.ask(sleeper('b'), { type: 'forget' });
    await empty();
    // Due after all of those: when it is heard, they had their chance.
    await system.ask(sleeper('b'), { type: 'alarm', ms: 3_000 });
    await eventually(async () => ((await inside(system, 'b')).heard.length > 0 ? true : undefined));
    const { woken, heard } = await inside(system, 'b');
    assert.deepEqual([woken, heard], [[], ['alarm']]);
  });

  it('outlive their node: another one wakes the actor', async () => {
    const first = await start('n1');
    await first.system.ask(sleeper('c'), { type: 'sleep', ms: 2_500 });
    await eventually(async () => ((await kept()) === 1 ? true : undefined));
    await cut(first);
    const { system } = await start('n2');
    await eventually(async () => ((await events('c')).length === 2 ? true : undefined), { within: 20_000 });
    // The journal has the firing before its node has heard that it has.
    await eventually(() => (system.inspect(sleeper('c'))?.state === 'awake' ? true : undefined));
    await empty();
    assert.deepEqual(await events('c'), ['sleep', firing]);
  });

  it('fire late rather than never when no node was there at their time', async () => {
    const first = await start('n1');
    await first.system.ask(sleeper('d2'), { type: 'sleep', ms: 600_000 });
    // Long enough for the node to be gone by then.
    await first.system.ask(sleeper('d'), { type: 'sleep', ms: 2_000 });
    await first.system.stop();
    await eventually(async () => {
      const state = await observer.manager.streams.info(STREAM.timers, { subjects_filter: 'due.>' });
      return state.state.subjects?.[subjects.due(sleeper('d'))];
    });
    const { system } = await start('n2');
    // A question may find nobody while the partitions come to the node.
    const woken = async () => (await inside(system, 'd').catch(() => undefined))?.woken.length;
    await eventually(async () => ((await woken()) === 1 ? true : undefined));
    assert.deepEqual(await events('d'), ['sleep', firing]);
    // The firing is acknowledged after the actor has it: until then the server keeps it too.
    await eventually(async () => ((await kept()) === 1 ? true : undefined), { what: 'only the other timer kept' });
  });

  it('outlive a kill of the server', async () => {
    const { system } = await start();
    await system.ask(sleeper('e'), { type: 'sleep', ms: 1_500 });
    await eventually(async () => ((await kept()) === 1 ? true : undefined));
    nats.server.child.kill();
    await eventually(
      async () => ((await inside(system, 'e').catch(() => undefined))?.woken.length === 1 ? true : undefined),
      { within: 30_000 },
    );
    // The node may be connected again before the observer is.
    await eventually(() => (observer.status === 'connected' ? true : undefined));
    await empty();
    assert.deepEqual(await events('e'), ['sleep', firing]);
  });

  it('are set by the next activation when the node died before it got to it', async () => {
    const first = await start('n1');
    const publish = first.bus.jetstream.publish.bind(first.bus.jetstream);
    sinon
      .stub(first.bus.jetstream, 'publish')
      .callsFake((subject, ...rest) =>
        subject.startsWith('timer.') ? Promise.reject(new Error('the node dies here')) : publish(subject, ...rest),
      );
    assert.equal(await first.system.ask(sleeper('f'), { type: 'sleep', ms: 200 }), 'asleep');
    assert.equal(await kept(), 0);
    await cut(first);
    // Nobody asks for the actor: its command, not settled, brings it back.
    await start('n2');
    await eventually(async () => ((await events('f')).length === 2 ? true : undefined), { within: 20_000 });
    await empty();
    assert.deepEqual(await events('f'), ['sleep', firing]);
  });

  it('end one by one, a thousand of them in a hundred actors, over a change of nodes', async () => {
    const first = await start('n1');
    const ids = Array.from({ length: 100 }, (_, index) => `g${index}`);
    await Promise.all(
      ids.map(async (id) => {
        for (let each = 0; each < 10; each++) {
          await first.system.ask(sleeper(id), { type: 'alarm', ms: 1_000 + each * 300 }, { deadline: 20_000 });
        }
      }),
    );
    const { system } = await start('n2');
    await first.system.stop();
    for (const id of ids) {
      // A question may find nobody while its partition changes hands.
      const all = async (): Promise<true | undefined> =>
        ((await inside(system, id).catch(() => undefined))?.heard.length ?? 0) >= 10 ? true : undefined;
      await eventually(all, { within: 30_000, what: `ten alarms of ${id}` });
    }
    await empty();
    for (const id of ids) {
      assert.equal((await inside(system, id)).heard.length, 10, id);
      assert.equal((await events(id)).length, 20, id);
    }
  });
});
