import assert from 'node:assert/strict';
import { notifierMachine, type HeardEvent } from '../../../machines/notifier.js';
import type { Notice, NotificationMessage, Tally } from '../../../site/notifications/message.js';
import { counted } from '../../../site/notifications/message.js';
import { alarmRecord } from '../../support/alarms.js';
import { SimulatedActor } from '../../support/simulated-actor.js';

const START = 1_000_000;
const WINDOW_MS = 60_000;

describe('notifier machine', () => {
  let actor: SimulatedActor<typeof notifierMachine>;
  let seq: number;

  beforeEach(() => {
    actor = new SimulatedActor(notifierMachine, undefined, START);
    seq = 10;
    actor.send({ type: 'begin', upTo: seq });
  });

  const notice = (id: string): Notice => ({ key: `${id}/1/1`, change: 'raised', alarm: alarmRecord(id) });
  const tally = (...ids: string[]) => ids.map(notice).reduce<Tally | null>(counted, null);

  function hear(ids: readonly string[], rest: Partial<HeardEvent> = {}): boolean {
    seq += 1;
    return actor.send({
      type: 'heard',
      upTo: seq,
      notices: ids.map(notice),
      ...{ surplus: null, quiet: null, quietUntil: null, perWindow: 3, windowMs: WINDOW_MS },
      ...rest,
    });
  }
  /** What was sent since it was asked last: alarms by id, digests by number. */
  function sent(): (string | number)[] {
    return actor.effects.splice(0).flatMap(({ type, params }) => {
      if (type !== 'deliver') return [];
      const message = params as NotificationMessage;
      return [message.type === 'alarm' ? message.alarm.id : message.count];
    });
  }

  it('tells each change by itself, once', () => {
    hear(['a', 'b']);
    assert.deepEqual(sent(), ['a', 'b']);
    seq -= 1;
    assert.equal(hear(['a', 'b']), false);
    assert.deepEqual([sent(), actor.snapshot.value, actor.timers], [[], 'idle', 0]);
    assert.deepEqual([actor.snapshot.context.position, actor.snapshot.context.told], [11, 2]);
  });

  it('tells a flood as one message at the end of the minute, which counts for the next', () => {
    hear(['a', 'b', 'c', 'd'], { surplus: tally('e', 'f') });
    hear([], { surplus: tally('g') });
    assert.deepEqual(sent(), ['a', 'b', 'c']);
    assert.equal(actor.snapshot.value, 'holding');
    actor.wait(WINDOW_MS - 1);
    assert.deepEqual(sent(), []);
    actor.wait(1);
    assert.deepEqual([sent(), actor.snapshot.value], [[4], 'idle']);
    hear(['h', 'i', 'j', 'k']);
    assert.deepEqual(sent(), ['h', 'i']);
    actor.wait(WINDOW_MS);
    assert.deepEqual(sent(), [2]);
    actor.wait(WINDOW_MS);
    hear(['l', 'm', 'n']);
    assert.deepEqual(sent(), ['l', 'm', 'n']);
    assert.deepEqual([actor.snapshot.context.told, actor.snapshot.context.gathered], [8, 6]);
  });

  it('says in a digest how many, how severe, and which came first', () => {
    const many = Array.from({ length: 40 }, (_, index) => `a${index}`);
    hear(many.slice(0, 3), { surplus: tally(...many.slice(3)) });
    actor.wait(WINDOW_MS);
    const message = actor.effects.at(-1)?.params as NotificationMessage;
    assert.ok(message.type === 'digest');
    assert.deepEqual([message.count, message.byLevel, message.byChange], [37, { Warning: 37 }, { raised: 37 }]);
    assert.deepEqual(
      message.first.map(({ id }) => id),
      many.slice(3, 13),
    );
    assert.equal(message.at, START + WINDOW_MS);
  });

  it('holds what is quiet until its end, and tells the rest meanwhile', () => {
    const quietUntil = START + 10 * WINDOW_MS;
    hear(['a'], { quiet: tally('q'), quietUntil });
    hear(['b']);
    assert.deepEqual(sent(), ['a', 'b']);
    actor.wait(9 * WINDOW_MS);
    assert.deepEqual(sent(), []);
    actor.wait(WINDOW_MS);
    assert.deepEqual(sent(), [1]);
  });

  it('does not let what is too much wait for the end of the quiet', () => {
    hear([], { quiet: tally('q'), quietUntil: START + 10 * WINDOW_MS });
    hear(['a', 'b', 'c', 'd']);
    assert.deepEqual(sent(), ['a', 'b', 'c']);
    actor.wait(WINDOW_MS);
    assert.deepEqual([sent(), actor.snapshot.value, actor.timers], [[2], 'idle', 0]);
  });

  it('may tell one message in a minute', () => {
    hear(['a', 'b'], { perWindow: 1 });
    assert.deepEqual(sent(), ['a']);
    actor.wait(WINDOW_MS);
    hear(['c'], { perWindow: 1 });
    assert.deepEqual(sent(), [1]);
    actor.wait(WINDOW_MS);
    assert.deepEqual(sent(), [1]);
  });

  it('begins at the end of the journal, once, and anew after it was forgotten', () => {
    assert.equal(actor.send({ type: 'begin', upTo: 99 }), false);
    assert.equal(actor.snapshot.context.position, 10);
    hear(['a', 'b', 'c', 'd']);
    actor.send({ type: 'forget' });
    assert.deepEqual([actor.snapshot.value, actor.snapshot.context.position, actor.timers], ['idle', null, 0]);
    assert.deepEqual(actor.effects.at(-1), { type: 'rest', params: undefined });
    actor.send({ type: 'begin', upTo: 99 });
    assert.equal(actor.snapshot.context.position, 99);
  });

  it('follows the journal from where it was', () => {
    actor.send({ type: 'activated' });
    assert.deepEqual(actor.effects.at(-1), { type: 'follow', params: { position: 10 } });
  });
});
