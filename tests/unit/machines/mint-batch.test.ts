import assert from 'node:assert/strict';
import type { WithoutTime } from '../../../actors/runtime/kind.js';
import { mintBatchMachine } from '../../../machines/mint-batch.js';
import type { BeginOrder, BuildOrder, MintBatchContext, MintBatchEvent } from '../../../machines/mint-batch/events.js';
import { partBatch } from '../../../machines/mint-batch/parts.js';
import { recordOf } from '../../../machines/mint-batch/record.js';
import type { MintItem } from '../../../site/minting/item.js';
import { mintItem, walletAddress } from '../../support/minting.js';
import { assertAllTaken, Walk } from '../../support/walk.js';

type Sent = WithoutTime<MintBatchEvent>;

const policy = { maxRetries: 3, initialDelayMs: 60_000 };
const error = { code: 'chain.away', category: 'unavailable', message: 'away' } as const;
const AGAIN = { type: 'xstate.after.retryDelay.mint-batch.retrying' } as unknown as Sent;

describe('mint batch machine', () => {
  const covered = new Set<unknown>();
  type BatchWalk = Walk<typeof mintBatchMachine>;

  const context = (walk: BatchWalk) => walk.snapshot.context as MintBatchContext;
  const effects = (walk: BatchWalk) =>
    walk.actions.map(({ type }) => type).filter((type) => !type.startsWith('xstate'));
  const delays = (walk: BatchWalk) =>
    walk.actions.filter(({ type }) => type === 'xstate.raise').map(({ params }) => (params as { delay: number }).delay);
  const collect = (items: readonly MintItem[]): Sent => ({ type: 'collect', items, parent: null, policy });
  const built = (attempt = 1): Sent => ({
    ...{ type: 'built', attempt, plan: { some: 'plan' }, feeEstimate: '5000', rentEstimate: '0' },
  });
  const signed = (attempt = 1): Sent => ({
    ...{
      type: 'signed',
      attempt,
      signature: `sig${attempt}`,
      lastValidBlockHeight: 150,
      transaction: { bytes: 'Yg==' },
    },
  });
  const failed = (attempt = 1, failure: 'again' | 'members' | 'never' = 'again', wallets: string[] = []): Sent => ({
    ...{ type: 'failed', attempt, failure, wallets, error },
  });
  const two = [mintItem(1, 1), mintItem(2, 1), mintItem(1, 2)];

  function begun(items: readonly MintItem[] = two): BatchWalk {
    const walk = new Walk(mintBatchMachine, covered, { id: '7-1' });
    walk.send(collect(items));
    return walk;
  }

  function confirming(items?: readonly MintItem[]): BatchWalk {
    const walk = begun(items);
    walk.send(built());
    walk.send(signed());
    walk.send({ type: 'submitted', attempt: 1 });
    return walk;
  }

  it('goes from collecting to settled, and has the transaction in the journal before it is sent', () => {
    const walk = begun();
    assert.equal(walk.value, 'building');
    const build = walk.actions.find(({ type }) => type === 'build')?.params as BuildOrder;
    assert.deepEqual(build, {
      attempt: 1,
      batch: '7-1',
      amounts: [
        { wallet: walletAddress(1), tokens: '2000000000' },
        { wallet: walletAddress(2), tokens: '1000000000' },
      ],
    });
    assert.equal(walk.send(built()), 'signing');
    assert.deepEqual(effects(walk), ['sign', 'announce']);
    assert.deepEqual(walk.actions[0]?.params, { attempt: 1, plan: { some: 'plan' } });
    assert.equal(walk.send(signed()), 'submitting');
    assert.deepEqual(effects(walk), ['submit', 'confirm', 'announce']);
    const order = { attempt: 1, signature: 'sig1', lastValidBlockHeight: 150, transaction: { bytes: 'Yg==' } };
    assert.deepEqual(walk.actions[0]?.params, order);
    assert.equal(walk.send({ type: 'submitted', attempt: 1 }), 'confirming');
    assert.equal(walk.send({ type: 'confirmed', attempt: 1, slot: 9, fee: '5000' }), 'settled');
    assert.deepEqual(effects(walk), ['announce', 'report']);
    const { state, outcome, transaction, tokens, readings, wallets } = recordOf(context(walk));
    assert.deepEqual(
      { state, outcome, tokens, readings, wallets },
      {
        ...{ state: 'settled', outcome: { slot: 9, fee: '5000' }, tokens: '3000000000', readings: 3, wallets: 2 },
      },
    );
    assert.deepEqual(transaction, {
      ...{ signature: 'sig1', lastValidBlockHeight: 150, feeEstimate: '5000', rentEstimate: '0' },
    });
  });

  it('is begun once, and with something in it', () => {
    const walk = new Walk(mintBatchMachine, covered, { id: '7-1' });
    assert.equal(walk.send(collect([])), 'collecting');
    walk.send(collect(two));
    assert.equal(walk.send(collect([mintItem(3, 1)])), 'building');
    assert.equal(context(walk).items, two);
  });

  it('settles at once when there is nothing to mint', () => {
    const walk = begun([mintItem(1, 1, 0n)]);
    assert.equal(walk.value, 'settled');
    assert.equal(recordOf(context(walk)).transaction, null);
  });

  it('waits longer before each retry, and is parked after the last', () => {
    const walk = begun();
    for (const [attempt, delay] of [
      [1, 60_000],
      [2, 120_000],
      [3, 240_000],
    ] as const) {
      assert.equal(walk.send(failed(attempt)), 'retrying');
      assert.deepEqual(delays(walk), [delay]);
      const { since, retryAt } = recordOf(context(walk));
      assert.equal(retryAt, since + delay);
      assert.equal(walk.send(AGAIN), 'building');
    }
    assert.equal(walk.send(failed(4)), 'parked');
    assert.deepEqual(effects(walk).slice(-2), ['announce', 'report']);
    assert.equal(recordOf(context(walk)).lastError?.error.code, 'chain.away');
    assert.equal(walk.send({ type: 'retry' }), 'building');
    assert.equal(walk.send(failed(5)), 'retrying', 'it has all its retries again');
    assert.equal(walk.send({ type: 'retry' }), 'building');
    assert.equal(context(walk).attempt, 6);
  });

  it('takes two attempts for one failure and a success', () => {
    const walk = begun();
    walk.send(failed());
    walk.send(AGAIN);
    walk.send(built(2));
    walk.send(signed(2));
    walk.send({ type: 'submitted', attempt: 2 });
    walk.send({ type: 'confirmed', attempt: 2, slot: 1, fee: '1' });
    assert.equal(walk.value, 'settled');
    assert.equal(recordOf(context(walk)).attempts, 2);
    assert.equal(recordOf(context(walk)).lastError, null);
  });

  it('builds another transaction only when the one before can never be taken', () => {
    const walk = confirming();
    for (const event of [{ type: 'retry' }, built(), signed(), failed(2), collect(two)] as Sent[]) {
      assert.equal(walk.send(event), 'confirming', event.type);
      assert.deepEqual(walk.actions, []);
    }
    assert.equal(walk.send({ type: 'expired', attempt: 1, error }), 'retrying');
    assert.equal(walk.send(AGAIN), 'building');
    for (const late of [{ type: 'expired', attempt: 1, error }, built(), failed()] as Sent[]) {
      assert.equal(walk.send(late), 'building', `${late.type} of the attempt before`);
    }
  });

  it('takes the chain’s word also when it comes before that of the sending', () => {
    const results: [Sent, string][] = [
      [{ type: 'confirmed', attempt: 1, slot: 1, fee: '1' }, 'settled'],
      [{ type: 'expired', attempt: 1, error }, 'retrying'],
      [failed(1, 'never'), 'parked'],
      [failed(1), 'retrying'],
      [failed(1, 'members', [walletAddress(1)]), 'split'],
    ];
    for (const [result, state] of results) {
      const walk = begun();
      walk.send(built());
      walk.send(signed());
      assert.equal(walk.send(result), state);
    }
  });

  it('is parked at once when no repetition can help', () => {
    for (const walk of [begun(), confirming()]) assert.equal(walk.send(failed(1, 'never')), 'parked');
    const walk = begun();
    walk.send(built());
    assert.equal(walk.send(failed(1, 'never')), 'parked');
    const alone = begun([mintItem(1, 1)]);
    assert.equal(alone.send(failed(1, 'members', [walletAddress(1)])), 'parked');
  });

  it('is parked when it expired too often', () => {
    for (const isSubmitted of [true, false]) {
      const walk = begun();
      for (let attempt = 1; attempt <= 4; attempt++) {
        walk.send(built(attempt));
        walk.send(signed(attempt));
        if (isSubmitted) walk.send({ type: 'submitted', attempt });
        assert.equal(walk.send({ type: 'expired', attempt, error }), attempt === 4 ? 'parked' : 'retrying');
        walk.send(AGAIN);
      }
    }
  });

  it('tries again what failed while it was signed, or on the chain', () => {
    const walk = begun();
    walk.send(built());
    for (const failing of [walk, confirming()]) assert.equal(failing.send(failed()), 'retrying');
  });

  it('parts from the wallet that is to blame, and the others go on', () => {
    for (const stage of ['building', 'signing', 'confirming']) {
      const walk = stage === 'confirming' ? confirming() : begun();
      if (stage === 'signing') walk.send(built());
      assert.equal(walk.send(failed(1, 'members', [walletAddress(2)])), 'split');
      assert.deepEqual(effects(walk), ['report', 'begin', 'begin', 'announce'], 'the minter hears of it first');
      const begins = walk.actions.filter(({ type }) => type === 'begin').map(({ params }) => params as BeginOrder);
      assert.deepEqual(
        begins.map(({ id, parent, items }) => ({ id, parent, items })),
        [
          { id: '7-1-1', parent: '7-1', items: [two[1]] },
          { id: '7-1-2', parent: '7-1', items: [two[0], two[2]] },
        ],
      );
      assert.deepEqual(recordOf(context(walk)).children, ['7-1-1', '7-1-2']);
    }
  });

  it('parts from readings that nothing can be minted for', () => {
    const nowhere = { ...mintItem(3, 1), wallet: 'not-an-address' };
    const walk = begun([...two, nowhere]);
    assert.equal(walk.value, 'split');
    assert.equal(recordOf(context(walk)).lastError?.error.code, 'mint.unmintable');
    const alone = begun([nowhere]);
    assert.equal(alone.value, 'parked');
    assert.equal(alone.send({ type: 'retry' }), 'parked');
    const tooMuch = begun([mintItem(1, 1, 2n ** 64n - 1n), mintItem(1, 2, 1n)]);
    assert.equal(tooMuch.value, 'parked');
    assert.equal(begun([mintItem(1, 1, 2n ** 64n), mintItem(2, 2, 1n)]).value, 'split');
  });

  it('halves a batch when nobody knows who is to blame', () => {
    const items = [1, 2, 3, 4, 5].map((owner) => mintItem(owner, 1));
    const [some, others] = partBatch(items, []) ?? [];
    assert.deepEqual([some?.length, others?.length], [2, 3]);
    assert.equal(partBatch(items.slice(0, 1), []), null);
    assert.equal(partBatch(two, [walletAddress(1), walletAddress(2)]), null);
    assert.notEqual(partBatch(two, [walletAddress(9)]), null, 'a wallet that is not in it explains nothing');
  });

  it('reached every state and transition', () => assertAllTaken(mintBatchMachine, covered));
});
