import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import sinon from 'sinon';
import { durable, EffectRefused, type DurableRun, type EffectPolicy } from '../../../actors/runtime/outbox/effect.js';
import { OutboxRunner } from '../../../actors/runtime/outbox/runner.js';
import type { DeadLetter, EffectRecord } from '../../../bus/messages.js';
import { formatRef, parseRef } from '../../../bus/subjects.js';

const POLICY: EffectPolicy = { attempts: 3, backoffMs: { initial: 100, max: 150 }, timeoutMs: 1_000 };

describe('OutboxRunner', () => {
  let clock: sinon.SinonFakeTimers;
  let began: string[];
  let settled: number[];
  let dead: DeadLetter[];
  let owned: boolean;
  let behave: (run: DurableRun<unknown>) => Promise<void>;
  let park: () => Promise<void>;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    [began, settled, dead, owned] = [[], [], [], true];
    behave = async () => undefined;
    park = async () => undefined;
  });
  afterEach(() => clock.restore());

  function create(policy = POLICY) {
    const counters = { effectsRun: 0, effectsRetried: 0, effectsParked: 0 };
    const effect = durable<unknown>(async (run) => {
      began.push(run.key);
      await behave(run);
    }, policy);
    const runner = new OutboxRunner({
      effect: (_, type) => (type === 'notify' ? effect : undefined),
      owns: () => owned,
      park: async (_, letter) => {
        await park();
        dead.push(letter);
      },
      tell: async () => undefined,
      node: 'n1',
      counters,
      random: () => 1,
    });
    return { runner, counters };
  }

  const notify: EffectRecord = { type: 'notify', params: { text: 'x' }, durable: true };

  function take(runner: OutboxRunner, ref: string, seq: number, effects: readonly EffectRecord[] = [notify]): void {
    const entry = { event: { type: 'note' }, effects, at: 1, machine: 1, traceparent: 't', node: 'n0' };
    runner.take({ ref: parseRef(ref), seq, entry, settle: () => settled.push(seq) });
  }

  it('settles what has no durable effect at once, and runs each durable one under its own key', async () => {
    const { runner, counters } = create();
    take(runner, 'a/1', 1, [{ type: 'notify', params: null }]);
    assert.deepEqual(settled, [1]);
    take(runner, 'a/1', 2, [notify, { type: 'live', params: null }, notify]);
    await turn();
    assert.deepEqual(began, ['a/1#2.0', 'a/1#2.2']);
    assert.deepEqual(settled, [1, 2]);
    assert.equal(counters.effectsRun, 2);
  });

  it('keeps an actor’s order while one fails, and lets others go on', async () => {
    const { runner } = create();
    let failures = 2;
    behave = async ({ ref }) => {
      if (formatRef(ref) === 'a/1' && failures-- > 0) throw new Error('away');
    };
    take(runner, 'a/1', 1);
    take(runner, 'a/1', 2);
    take(runner, 'b/1', 3);
    await turn();
    assert.deepEqual(settled, [3]);
    await clock.tickAsync(99);
    assert.deepEqual(began, ['a/1#1.0', 'b/1#3.0']);
    await clock.tickAsync(1);
    assert.deepEqual(began, ['a/1#1.0', 'b/1#3.0', 'a/1#1.0']);
    await clock.tickAsync(150); // 200 would be the second backoff; 150 is the most.
    assert.deepEqual(began.slice(3), ['a/1#1.0', 'a/1#2.0']);
    assert.deepEqual(settled, [3, 1, 2]);
  });

  it('parks after the last attempt, a refused one at once, and one that it does not know; then goes on', async () => {
    const { runner, counters } = create();
    behave = async ({ seq }) => {
      if (seq === 1) throw new Error('away');
      if (seq === 2) throw new EffectRefused('no');
    };
    take(runner, 'a/1', 1);
    take(runner, 'a/1', 2);
    take(runner, 'a/1', 3, [{ type: 'gone', params: null, durable: true }]);
    take(runner, 'a/1', 4);
    await clock.tickAsync(1_000);
    assert.deepEqual(
      dead.map(({ effect, error }) => [effect?.key, effect?.attempts, error.code]),
      [
        ['a/1#1.0', 3, 'effects.failed'],
        ['a/1#2.0', 1, 'effects.refused'],
        ['a/1#3.0', 0, 'effects.unknown'],
      ],
    );
    assert.deepEqual(settled, [1, 2, 3, 4]);
    assert.deepEqual(counters, { effectsRun: 1, effectsRetried: 2, effectsParked: 3 });
  });

  it('goes on trying to park, so that nothing is dropped', async () => {
    const { runner } = create();
    behave = () => Promise.reject(new EffectRefused('no'));
    let failures = 2;
    park = async () => {
      if (failures-- > 0) throw new Error('bus away');
    };
    const warned = sinon.stub(process, 'emitWarning');
    take(runner, 'a/1', 1);
    await clock.tickAsync(400);
    assert.deepEqual(settled, []);
    await clock.tickAsync(100);
    assert.deepEqual(settled, [1]);
    assert.equal(dead.length, 1);
    assert.equal(warned.callCount, 2);
    warned.restore();
  });

  it('aborts a run that takes too long, and tries again', async () => {
    const { runner } = create();
    const signals: AbortSignal[] = [];
    behave = async ({ signal, attempt }) => {
      signals.push(signal);
      if (attempt === 1) await new Promise(() => undefined);
    };
    take(runner, 'a/1', 1);
    await clock.tickAsync(1_100);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, false],
    );
    assert.deepEqual(settled, [1]);
  });

  it('waits as long as the other side asks, but not beyond its own maximum', async () => {
    const { runner } = create({ attempts: 2, backoffMs: { initial: 10, max: 500 }, timeoutMs: 1_000 });
    behave = async ({ attempt }) => {
      const { StatewattError } = await import('../../../errors/error.js');
      if (attempt === 1) throw new StatewattError('x.busy', 'busy', 'later', { retryAfterMs: 60_000 });
    };
    take(runner, 'a/1', 1);
    await turn();
    await clock.tickAsync(499);
    assert.equal(began.length, 1);
    await clock.tickAsync(1);
    assert.equal(began.length, 2);
  });

  it('begins nothing without a lease, not even a repetition', async () => {
    const { runner } = create();
    behave = () => Promise.reject(new Error('away'));
    take(runner, 'a/1', 1);
    await turn();
    assert.equal(began.length, 1);
    owned = false;
    take(runner, 'b/1', 2);
    await clock.tickAsync(5_000);
    assert.equal(began.length, 1);
    behave = async () => undefined;
    owned = true;
    await clock.tickAsync(250);
    assert.deepEqual([...settled].sort(), [1, 2]);
  });

  it('does not run again what comes again, whether it is under way or settled', async () => {
    const { runner } = create();
    let finish = (): void => undefined;
    behave = () => new Promise((resolve) => (finish = resolve));
    take(runner, 'a/1', 1);
    take(runner, 'a/1', 1);
    await turn();
    finish();
    await turn();
    take(runner, 'a/1', 1);
    await turn();
    assert.deepEqual(began, ['a/1#1.0']);
    assert.deepEqual(settled, [1, 1]); // The first acknowledgement was lost; it is given again.
  });

  it('closed, aborts what runs and leaves it and what waits unsettled', async () => {
    const { runner } = create();
    behave = ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))));
    take(runner, 'a/1', 1);
    take(runner, 'a/1', 2);
    await turn();
    await runner.close();
    await turn();
    take(runner, 'b/1', 3);
    await clock.tickAsync(5_000);
    assert.deepEqual(began, ['a/1#1.0']);
    assert.deepEqual([settled, dead], [[], []]);
  });

  it('closed with grace, lets what runs end and settles it', async () => {
    const { runner } = create();
    behave = () => new Promise((resolve) => setTimeout(resolve, 100));
    take(runner, 'a/1', 1);
    take(runner, 'a/1', 2);
    await turn();
    const closing = runner.close(500);
    await clock.tickAsync(100);
    await closing;
    await turn();
    assert.deepEqual(began, ['a/1#1.0']);
    assert.deepEqual(settled, [1]);
  });
});

describe('durable', () => {
  it('refuses a policy that makes no sense', () => {
    for (const wrong of [
      { attempts: 0 },
      { attempts: 1.5 },
      { timeoutMs: 0 },
      { backoffMs: { initial: 5, max: 4 } },
      { backoffMs: { initial: -1, max: 4 } },
    ]) {
      assert.throws(
        () => durable(async () => undefined, wrong),
        { code: 'kind.invalid_effect' },
        JSON.stringify(wrong),
      );
    }
  });
});
