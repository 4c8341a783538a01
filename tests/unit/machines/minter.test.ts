import assert from 'node:assert/strict';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import { KEPT_BATCHES, minterMachine, type MinterContext, type MinterEvent } from '../../../machines/minter.js';
import type { MintBatchRecord } from '../../../site/minting/batch.js';
import { mintItem } from '../../support/minting.js';
import { assertAllTaken, Walk } from '../../support/walk.js';

type Sent = WithoutTime<MinterEvent>;
const policy = { maxRetries: 3, initialDelayMs: 60_000 };

describe('minter machine', () => {
  const covered = new Set<unknown>();
  type MinterWalk = Walk<typeof minterMachine>;

  const context = (walk: MinterWalk) => walk.snapshot.context as MinterContext;
  const steering = (walk: MinterWalk) => walk.actions.find(({ type }) => type === 'steer')?.params;
  const open = (walk: MinterWalk) => context(walk).open.map(({ id, state }) => `${id} ${state}`);
  const collected = (after: number, upTo: number, ids: readonly string[], isAll = false): Sent => ({
    ...{ type: 'collected', after, upTo, policy, isAll },
    batches: ids.map((id, index) => ({ id, items: [mintItem(index, upTo)] })),
  });
  const record = (id: string, rest: Partial<MintBatchRecord>): Sent => ({
    type: 'reported',
    batch: {
      ...{ id, state: 'settled', since: 5, createdAt: 1, parent: null, children: [], readings: 1, wallets: 1 },
      ...{ tokens: '10', attempts: 1, transaction: null, outcome: null, retryAt: null, lastError: null },
      ...rest,
    },
  });
  const begun = (): MinterWalk => {
    const walk = new Walk(minterMachine, covered);
    walk.send({ type: 'activated' });
    assert.deepEqual(steering(walk), { position: 0, auto: null, wanted: false, moving: 0 });
    return walk;
  };

  it('begins the batches of what it found, each once', () => {
    const walk = begun();
    walk.send(collected(0, 12, ['12-1', '12-2']));
    const begins = walk.actions.filter(({ type }) => type === 'begin').map(({ params }) => params);
    assert.deepEqual(begins, [
      { id: '12-1', parent: null, items: [mintItem(0, 12)], policy },
      { id: '12-2', parent: null, items: [mintItem(1, 12)], policy },
    ]);
    assert.deepEqual(steering(walk), { position: 12, auto: null, wanted: false, moving: 2 });
    assert.deepEqual(open(walk), ['12-1 collecting', '12-2 collecting']);
    for (const twice of [collected(0, 12, ['12-1']), collected(12, 12, []), collected(11, 14, ['14-1'])]) {
      walk.send(twice);
      assert.deepEqual(walk.actions, []);
    }
    walk.send(collected(12, 40, []));
    assert.equal(context(walk).position, 40);
    assert.equal(context(walk).totals.readings, 2);
  });

  it('mints all that waits when told to, also when there is nothing', () => {
    const walk = begun();
    walk.send({ type: 'mint' });
    assert.deepEqual(steering(walk), { position: 0, auto: null, wanted: true, moving: 0 });
    walk.send({ type: 'mint' });
    assert.deepEqual(walk.actions, []);
    walk.send(collected(0, 5, ['5-1']));
    assert.equal(context(walk).wanted, true, 'there is more');
    walk.send(collected(5, 5, [], true));
    assert.equal(context(walk).wanted, false);
  });

  it('is switched by hand, and back to what is configured', () => {
    const walk = begun();
    walk.send({ type: 'auto', enabled: false });
    assert.deepEqual(steering(walk), { position: 0, auto: false, wanted: false, moving: 0 });
    walk.send({ type: 'auto', enabled: false });
    assert.deepEqual(walk.actions, []);
    walk.send({ type: 'auto', enabled: null });
    assert.equal(context(walk).auto, null);
  });

  it('knows what is under way, and what became of it', () => {
    const walk = begun();
    walk.send(collected(0, 7, ['7-1', '7-2']));
    walk.send(record('7-1', { state: 'retrying' }));
    assert.deepEqual(open(walk), ['7-1 retrying', '7-2 collecting']);
    assert.deepEqual(steering(walk), { position: 7, auto: null, wanted: false, moving: 1 });
    const transaction = { signature: 's', lastValidBlockHeight: 1, feeEstimate: '5000', rentEstimate: '0' };
    walk.send(record('7-1', { transaction, outcome: { slot: 1, fee: '4000' }, since: 6 }));
    assert.deepEqual(open(walk), ['7-2 collecting']);
    assert.deepEqual(context(walk).totals, {
      ...{ readings: 2, settled: 1, tokens: '10', feesEstimated: '5000', feesPaid: '4000' },
    });
    walk.send(record('7-1', {}));
    assert.deepEqual(walk.actions, [], 'it is done with');
    walk.send(record('7-2', { state: 'split', children: ['7-2-1', '7-2-2'] }));
    assert.deepEqual(open(walk), ['7-2-1 collecting', '7-2-2 collecting']);
    walk.send(record('7-2-1', { state: 'parked' }));
    walk.send(record('7-2-1', { state: 'parked' }));
    assert.deepEqual(walk.actions, []);
    walk.send(record('7-2-2', {}));
    assert.deepEqual(open(walk), ['7-2-1 parked']);
    assert.deepEqual(
      context(walk).recent.map(({ id }) => id),
      ['7-2-2', '7-2', '7-1'],
    );
  });

  it('forgets what was settled long ago', () => {
    const walk = begun();
    const ids = Array.from({ length: KEPT_BATCHES + 1 }, (_, index) => `9-${index + 1}`);
    walk.send(collected(0, 9, ids));
    for (const id of ids) walk.send(record(id, {}));
    assert.equal(context(walk).recent.length, KEPT_BATCHES);
    assert.equal(context(walk).totals.settled, ids.length);
  });

  it('reached every state and transition', () => assertAllTaken(minterMachine, covered));
});
