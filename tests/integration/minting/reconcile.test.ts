import assert from 'node:assert/strict';
import { reconcile, type ReconcileParts } from '../../../actors/mint/reconcile.js';
import type { Bus } from '../../../bus/connection.js';
import { makeRef, subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import type { MintedAmount, MintTransaction } from '../../../protocols/solana/mint-history.js';
import type { MintBatchState } from '../../../site/minting/batch.js';
import { mintItem, walletAddress } from '../../support/minting.js';
import { startNats, type TestNats } from '../../support/nats.js';

interface Transaction extends Pick<MintTransaction, 'signature'> {
  readonly batch?: string;
  readonly failed?: boolean;
  readonly amounts: readonly MintedAmount[];
}

const KWH = 1_000_000_000n;
const to = (owner: number, amount = KWH): MintedAmount => ({ tokenAccount: `of ${walletAddress(owner)}`, amount });

describe('reconciling the chain with the journal', function () {
  this.timeout(60_000);
  let nats: TestNats;
  let bus: Bus;
  let last = 0;
  before(async () => {
    nats = await startNats();
    bus = await nats.connect('n1');
    const publish = async (id: string, event: object, state: MintBatchState, signature: string | null) => {
      const entry = {
        event: { type: 'settled', ...event },
        effects: [{ type: 'announce', params: { batch: { id, state, transaction: signature && { signature } } } }],
        ...{ at: 1, machine: 1, traceparent: '', node: 'n1' },
      };
      const to = subjects.journal(makeRef('mint-batch', id));
      last = (await bus.jetstream.publish(to, codecs.journal.encode(entry))).seq;
    };
    for (const [id, state] of [
      ['1-1', 'settled'],
      ['2-1', 'settled'],
      ['3-1', 'confirming'],
      ['4-1', 'parked'],
    ] as const) {
      await publish(id, { type: 'collect', items: [mintItem(1, 1), mintItem(2, 1)] }, 'building', null);
      await publish(id, {}, 'submitting', `s${id}`);
      await publish(id, {}, state, `s${id}`);
    }
    // Worth no tokens: nothing of it is on the chain.
    await publish('5-1', { type: 'collect', items: [mintItem(1, 2, 0n)] }, 'settled', null);
  });
  after(() => nats.stop());

  const s1: Transaction = { signature: 's1-1', batch: '1-1', amounts: [to(1), to(2)] };
  const s2: Transaction = { signature: 's2-1', batch: '2-1', amounts: [to(1), to(2)] };
  const inLedger = new Map([
    ['1-1', 2n * KWH],
    ['2-1', 2n * KWH],
    ['5-1', 0n],
  ]);

  async function compare(listed: readonly Transaction[], ledger?: ReconcileParts['ledger'], later: Transaction[] = []) {
    const all = [...listed, ...later];
    return reconcile({
      bus,
      history: {
        async *transactions() {
          for (const { signature, batch, failed = false } of listed) {
            yield { signature, failed, slot: 1, time: 1, memo: batch === undefined ? undefined : { batch, part: 0 } };
          }
        },
        minted: async (signature) => all.find((each) => each.signature === signature)?.amounts.slice(),
      },
      tokenAccount: async (wallet) => `of ${wallet}`,
      ...(ledger === undefined ? {} : { ledger }),
    });
  }
  const kinds = async (...listed: Transaction[]) =>
    (await compare(listed)).differences.map(({ kind, batch, chain, journal }) => [kind, batch, chain, journal]);

  it('finds nothing where there is nothing', async () => {
    let asked = 0;
    const under = { signature: 's3-1', batch: '3-1', amounts: [to(1), to(2)] };
    const failed = { signature: 'f', batch: '4-1', failed: true, amounts: [to(1)] };
    const created = { signature: 'c', amounts: [] };
    const result = await compare([under, failed, s2, s1, created], async (upTo) => {
      asked = upTo;
      return inLedger;
    });
    const sum = (4n * KWH).toString();
    assert.deepEqual(result, {
      ...{ transactions: 3, batches: 2, underWay: 1, chain: (6n * KWH).toString(), journal: sum, ledger: sum },
      ...{ found: 0, differences: [] },
    });
    assert.equal(asked, last);
  });

  it('finds what the chain has and the journal has not', async () => {
    assert.deepEqual(await kinds(s1, s2, { signature: 'x', amounts: [to(1, 5n)] }), [['no_batch', null, '5', null]]);
    assert.deepEqual(await kinds(s1, s2, { signature: 'x', batch: '9-1', amounts: [to(1, 5n)] }), [
      ['unknown_batch', '9-1', '5', null],
    ]);
    assert.deepEqual(await kinds(s1, s2, { ...s2, signature: 'again' }), [
      ['other_transaction', '2-1', '2000000000', '2000000000'],
    ]);
    assert.deepEqual(await kinds(s1, s2, { signature: 's4-1', batch: '4-1', amounts: [to(1)] }), [
      ['not_settled', '4-1', '1000000000', '0'],
    ]);
  });

  it('finds what the journal has and the chain has not, or otherwise', async () => {
    assert.deepEqual(await kinds(s1), [['not_on_chain', '2-1', '0', '2000000000']]);
    for (const amounts of [[to(1), to(2, 1n)], [to(1)], [to(1), to(2), to(3)], [to(1), to(3)]]) {
      const [[kind, batch] = []] = await kinds(s1, { ...s2, amounts });
      assert.deepEqual([kind, batch], ['other_amount', '2-1']);
    }
    assert.deepEqual((await compare([s1], undefined, [s2])).found, 0, 'it came after the chain was read');
    const [late] = (await compare([s1], undefined, [{ ...s2, amounts: [to(1)] }])).differences;
    assert.equal(late?.kind, 'other_amount');
  });

  it('finds where the ledger differs from the journal, once it is not behind', async () => {
    const ledger = new Map([...inLedger, ['2-1', KWH], ['9-1', 1n]]);
    const { differences } = await compare([s1, s2], async () => ledger);
    assert.deepEqual(
      differences.map(({ kind, batch, journal, ledger }) => [kind, batch, journal, ledger]),
      [
        ['ledger', '2-1', '2000000000', '1000000000'],
        ['ledger', '9-1', null, '1'],
      ],
    );
    const behind = await compare([s1, s2], async () => undefined);
    assert.deepEqual([behind.ledger, behind.found], [null, 0]);
  });

  it('tells the first thousand of many', async () => {
    const many = Array.from({ length: 1_001 }, (_, at) => ({ signature: `x${at}`, amounts: [to(1, 1n)] }));
    const { found, differences } = await compare([s1, s2, ...many]);
    assert.deepEqual([found, differences.length], [1_001, 1_000]);
  });
});
