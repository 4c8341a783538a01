import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import Type from 'typebox';
import { setup } from 'xstate';
import { ActorHost } from '../../../actors/runtime/host.js';
import { defineKind, type EffectRun, type Host, type Resource } from '../../../actors/runtime/kind.js';
import { makeRef } from '../../../bus/subjects.js';
import { liveTraceparent, tracer } from '../../../telemetry/spans.js';
import { TestDelivery } from '../../support/delivery.js';
import { MemoryJournal } from '../../support/memory-journal.js';
import { keepSpans, type KeptSpan } from '../../support/spans.js';

const CALLER = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

const doorMachine = setup({
  types: { events: {} as { type: 'open'; at: number } | { type: 'opened'; at: number } },
  actions: { push: () => undefined },
}).createMachine({
  initial: 'closed',
  states: { closed: { on: { open: 'moving' } }, moving: { entry: 'push', on: { opened: 'open' } }, open: {} },
});

class TracedCommand extends TestDelivery {
  override readonly traceparent = CALLER as never;
  readonly receivedAt = performance.now();
}

describe('spans of an actor', () => {
  const door = makeRef('door', 'a');
  let kept: ReturnType<typeof keepSpans> | undefined;
  let journal: MemoryJournal;
  let host: ActorHost;
  let live: Host<{ type: string }>;
  let push: (run: EffectRun<unknown, Resource>) => Promise<void>;

  beforeEach(() => {
    journal = new MemoryJournal();
    push = () => Promise.resolve();
    const kind = defineKind({
      kind: 'door',
      version: 1,
      machine: doorMachine,
      commands: (command) => ({ open: command(Type.Object({})) }),
      resource: (given) => {
        live = given;
        return { close: () => Promise.resolve() };
      },
      effects: { push: (run) => push(run) },
      policy: { restart: { intensity: 3, windowMs: 10_000, backoffMs: { initial: 1, max: 1 } } },
    });
    host = new ActorHost({ journal, kinds: [kind], node: 'n1' });
  });
  afterEach(async () => {
    await host.stop();
    kept?.stop();
    kept = undefined;
  });

  function traceparent({ traceId, spanId }: KeptSpan): string {
    return `00-${traceId}-${spanId}-01`;
  }

  it('one trace: the caller’s, the command, its entry, its effect, and the event that the effect sends', async () => {
    kept = keepSpans();
    let inEffect: string | undefined;
    let given: string | undefined;
    let opened: Promise<void> | undefined;
    const ran = new Promise<void>((resolve) => {
      push = async (run) => {
        given = run.traceparent;
        await Promise.resolve();
        inEffect = liveTraceparent();
        opened = live.send({ type: 'opened' });
        await opened;
        resolve();
      };
    });
    const delivery = new TracedCommand({ type: 'open' });
    host.deliver(door, delivery);
    await delivery.done();
    await ran;

    const process = kept.named('process door.open');
    const append = kept.named('append door.open');
    const effect = kept.named('effect door.push');
    const later = kept.named('append door.opened');
    assert.equal(process.kind, SpanKind.CONSUMER);
    assert.deepEqual(
      [process.parentSpanId, append.parentSpanId, effect.parentSpanId, later.parentSpanId],
      [CALLER.slice(36, 52), process.spanId, append.spanId, effect.spanId],
    );
    assert.deepEqual(new Set(kept.spans.map(({ traceId }) => traceId)), new Set([CALLER.slice(3, 35)]));
    assert.deepEqual([inEffect, given], [traceparent(effect), traceparent(effect)]);
    assert.deepEqual(
      journal.entries(door).map(({ entry }) => entry.traceparent),
      [traceparent(append), traceparent(later)],
    );
    assert.equal(process.attributes['messaging.message.id'], delivery.commandId);
    assert.ok(Number(process.attributes['statewatt.mailbox_ms']) >= 0);
    assert.equal(effect.attributes['statewatt.effect.key'], 'door/a#1.0');
    assert.ok(kept.spans.every((span) => span.ended && span.status.code === SpanStatusCode.UNSET));
  });

  it('what an effect left behind sends is no part of its trace', async () => {
    kept = keepSpans();
    let leave = (): void => undefined;
    const left = new Promise<void>((resolve) => (leave = resolve));
    let sent = Promise.resolve();
    push = () => {
      sent = left.then(() => live.send({ type: 'opened' }));
      return Promise.resolve();
    };
    host.deliver(door, new TracedCommand({ type: 'open' }));
    while (!kept.spans.some((span) => span.name === 'effect door.push' && span.ended)) await tick();
    leave();
    await sent;
    const later = kept.named('append door.opened');
    assert.equal(later.parentSpanId, undefined);
    assert.notEqual(later.traceId, CALLER.slice(3, 35));
  });

  it('a refusal is noted in the span of the command, a failed append in its own', async () => {
    kept = keepSpans();
    const wrong = new TracedCommand({ type: 'shut' });
    host.deliver(door, wrong);
    await wrong.done();
    const refused = kept.named('process door.shut');
    assert.equal(refused.attributes['error.type'], 'actors.unknown_command');
    assert.equal(refused.status.code, SpanStatusCode.ERROR);

    journal.fail('append', new Error('the server is odd'));
    const delivery = new TracedCommand({ type: 'open' });
    host.deliver(door, delivery);
    await delivery.done();
    const appends = kept.spans.filter(({ name }) => name === 'append door.open');
    assert.deepEqual(
      appends.map(({ status }) => status.code),
      [SpanStatusCode.ERROR, SpanStatusCode.UNSET],
    );
    // It was put back and came again: to a span beside the first, not below it.
    const commands = kept.spans.filter(({ name }) => name === 'process door.open');
    assert.deepEqual(
      commands.map(({ parentSpanId }) => parentSpanId),
      [CALLER.slice(36, 52), CALLER.slice(36, 52)],
    );
  });

  it('a failed effect is noted in its span', async () => {
    kept = keepSpans();
    push = () => Promise.reject(new Error('stuck'));
    const delivery = new TracedCommand({ type: 'open' });
    host.deliver(door, delivery);
    await delivery.done();
    while (kept.named('effect door.push').status.code !== SpanStatusCode.ERROR) await tick();
    assert.equal(kept.named('effect door.push').status.message, 'stuck');
  });

  it('without an SDK the entry still goes on with the caller’s trace, and times are counted', async () => {
    assert.equal(tracer(), undefined);
    let given: string | undefined;
    push = async (run) => void (given = run.traceparent);
    const delivery = new TracedCommand({ type: 'open' });
    host.deliver(door, delivery);
    await delivery.done();
    const traceparents = journal.entries(door).map(({ entry }) => entry.traceparent);
    assert.deepEqual(
      traceparents.map((each) => each.slice(0, 36)),
      [CALLER.slice(0, 36)],
    );
    assert.notEqual(traceparents[0], CALLER);
    assert.equal(given, traceparents[0]);
    const { mailbox, commands, appends, effects } = host.times;
    while (effects.count === 0) await tick();
    assert.deepEqual([mailbox.count, commands.count, appends.count, effects.count], [1, 1, 1, 1]);
  });
});

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
