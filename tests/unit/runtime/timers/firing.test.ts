import assert from 'node:assert/strict';
import { ActorHost, type HostEvent } from '../../../../actors/runtime/host.js';
import type { EventBody } from '../../../../bus/messages.js';
import { makeRef } from '../../../../bus/subjects.js';
import { TestDelivery } from '../../../support/delivery.js';
import { MemoryJournal } from '../../../support/memory-journal.js';
import { MemoryTimers } from '../../../support/memory-timers.js';
import { sleeperKind } from '../../../support/sleeper.js';

const actor = makeRef('sleeper', 'a');
const wakeUp = 'xstate.after.nap.sleeper.asleep';

describe('an activation and its timers', () => {
  let journal: MemoryJournal;
  let timers: MemoryTimers;
  let host: ActorHost;
  let now: number;

  const open = (): ActorHost =>
    new ActorHost({ journal, timers, kinds: [sleeperKind], node: 'n1', now: () => now, random: () => 1 });

  beforeEach(() => {
    journal = new MemoryJournal();
    timers = new MemoryTimers();
    now = 1_000;
    host = open();
  });
  afterEach(() => host.stop());

  async function give(event: EventBody): Promise<TestDelivery> {
    const delivery = new TestDelivery(event);
    host.deliver(actor, delivery);
    return delivery.done();
  }

  /** As the timers' stream would deliver it. */
  async function fire(key: string): Promise<TestDelivery> {
    const delivery = Object.assign(new TestDelivery({ type: wakeUp }, { told: true }), { timer: key });
    host.deliver(actor, delivery);
    return delivery.done();
  }

  /** As a crash of the node would end it. */
  async function reopen(): Promise<void> {
    await host.stop();
    host = open();
  }

  const context = () => host.snapshot(actor)?.context as { woken: number[]; heard: string[] };
  const events = () => journal.entries(actor).map(({ entry }) => entry.event.type);

  it('sets what the machine asks for, and gives it the event when it fires, once', async () => {
    await give({ type: 'sleep', ms: 50 });
    assert.deepEqual(timers.log, ['set sleeper/a@1-0']);
    assert.equal(timers.kept.get('sleeper/a@1-0')?.due, 1_050);
    assert.deepEqual(host.inspect(actor)?.timers, [{ id: wakeUp, event: wakeUp, due: 1_050 }]);
    now = 1_060;
    assert.equal((await fire('1-0')).settled, 1);
    assert.equal((await fire('1-0')).settled, 1);
    assert.deepEqual(context().woken, [1_060]);
    assert.deepEqual(events(), ['sleep', wakeUp]);
    assert.equal(journal.entries(actor).at(-1)?.entry.timer, '1-0');
    const { timersSet, timersFired, timersCancelled } = host.counters;
    assert.deepEqual([timersSet, timersFired, timersCancelled], [1, 1, 0]);
    // The exit of the state has nothing to cancel: it was the firing that led out.
    assert.deepEqual(timers.log, ['set sleeper/a@1-0']);
  });

  it('takes back what the machine cancels or sets again, and ignores it should it fire all the same', async () => {
    await give({ type: 'sleep', ms: 50 });
    await give({ type: 'sleep', ms: 60 });
    await fire('1-0');
    assert.equal(host.inspect(actor)?.state, 'asleep');
    await give({ type: 'wake' });
    await fire('2-1');
    assert.deepEqual(events(), ['sleep', 'sleep', 'wake']);
    assert.deepEqual(context().woken, []);
    assert.deepEqual([...timers.log].sort(), [
      'cancel sleeper/a@1-0',
      'cancel sleeper/a@2-1',
      'set sleeper/a@1-0',
      'set sleeper/a@2-1',
    ]);
    assert.equal(timers.kept.size, 0);
    assert.deepEqual([host.counters.timersSet, host.counters.timersCancelled, host.counters.timersFired], [2, 2, 0]);
    assert.deepEqual(host.inspect(actor)?.timers, []);
  });

  it('settles a command only when the timers that it set are kept', async () => {
    const release = timers.hold();
    const delivery = await give({ type: 'sleep', ms: 50 });
    assert.deepEqual([delivery.answers.length, delivery.settled], [1, 0]);
    const again = new TestDelivery(delivery.event, { commandId: delivery.commandId });
    host.deliver(actor, again);
    assert.equal((await again.done()).settled, 0);
    release();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([delivery.settled, again.settled, timers.kept.size], [1, 1, 1]);
  });

  it('orders once more at an activation, before a command that comes again is settled', async () => {
    const first = await give({ type: 'sleep', ms: 50 });
    await give({ type: 'alarm', ms: 9 });
    await reopen();
    timers.kept.clear();
    const again = new TestDelivery(first.event, { commandId: first.commandId });
    host.deliver(actor, again);
    assert.equal((await again.done()).settled, 1);
    assert.deepEqual([...timers.kept.keys()], ['sleeper/a@1-0', 'sleeper/a@2-0']);
    assert.deepEqual(events(), ['sleep', 'alarm']);
  });

  it('does not order again the one whose firing wakes the actor', async () => {
    await give({ type: 'sleep', ms: 50 });
    await give({ type: 'alarm', ms: 9 });
    await reopen();
    timers.log.length = 0;
    await fire('1-0');
    assert.deepEqual(timers.log, ['set sleeper/a@2-0']);
    assert.equal(context().woken.length, 1);
  });

  it('journals a firing that the machine makes nothing of: its timer has ended', async () => {
    await give({ type: 'mumble' });
    await fire('1-0');
    assert.deepEqual(events(), ['mumble', 'mumbled']);
    await reopen();
    timers.log.length = 0;
    await host.activate(actor);
    assert.deepEqual(timers.log, []);
  });

  it('brings the actor’s timers over snapshots', async () => {
    await give({ type: 'sleep', ms: 50 });
    for (let each = 0; each < 12; each++) await give({ type: 'shout' });
    await reopen();
    assert.deepEqual(
      journal.snapshot(actor)?.timers?.map(({ key }) => key),
      ['1-0'],
    );
    await fire('1-0');
    assert.equal(context().woken.length, 1);
  });

  it('wakes an actor that has left memory', async () => {
    await give({ type: 'sleep', ms: 100_000 });
    now += 60_000;
    await host.passivateIdle();
    assert.deepEqual(host.actors(), []);
    await fire('1-0');
    assert.deepEqual(context().woken, [61_000]);
  });

  it('crashes an actor that sets a timer where nothing keeps timers', async () => {
    await host.stop();
    const crashed = new Promise<HostEvent>((onEvent) => {
      host = new ActorHost({ journal, kinds: [sleeperKind], node: 'n1', now: () => now, onEvent });
    });
    host.deliver(actor, new TestDelivery({ type: 'sleep', ms: 50 }));
    assert.match((await crashed).error.message, /no keeper of timers/);
  });
});
