import assert from 'node:assert/strict';
import sinon from 'sinon';
import { eventsOfBatch, MintTeller } from '../../../actors/mint/events.js';
import type { MeterEvent } from '../../../actors/client/meter-watch.js';
import type { Bus } from '../../../bus/connection.js';
import type { MintBatchRecord, MintBatchState } from '../../../site/minting/batch.js';
import { mintItem } from '../../support/minting.js';

const ITEMS = [mintItem(1, 1), mintItem(2, 1)];

function record(state: MintBatchState, more: Partial<MintBatchRecord> = {}): MintBatchRecord {
  return {
    ...{
      id: '7-1',
      state,
      since: 1_763_735_000_000,
      createdAt: 1,
      parent: null,
      children: [],
      readings: 2,
      wallets: 2,
    },
    transaction: { signature: 'sig', lastValidBlockHeight: 1, feeEstimate: '1', rentEstimate: '0' },
    ...{ tokens: '2', attempts: 1, outcome: null, retryAt: null, lastError: null, ...more },
  };
}

describe('events of mint batches', () => {
  const lastError = { at: 1, error: { code: 'chain.x', category: 'conflict', message: 'no wallet' } } as const;

  it('tell of each reading that its tokens are minted, then of the batch', () => {
    const [first, second, batch, ...rest] = eventsOfBatch(record('settled'), ITEMS);
    assert.deepEqual(first, {
      ...{ type: 'TokensMinted', user_id: 'user1', wallet_address: ITEMS[0]?.wallet, meter_id: 'METER_1', sequence: 1 },
      ...{ kwh_amount: '1', timestamp: new Date(ITEMS[0]?.end ?? 0).toISOString(), tokens_minted: '1000000000' },
      ...{ transaction_signature: 'sig', batch_id: '7-1' },
    });
    assert.equal(second?.user_id, 'user2');
    assert.deepEqual(batch, {
      ...{ type: 'BatchMintingCompleted', user_id: null, wallet_address: null, meter_id: null, sequence: null },
      ...{
        kwh_amount: '2',
        timestamp: '2025-11-21T14:23:20.000Z',
        batch_id: '7-1',
        total: 2,
        successful: 2,
        failed: 0,
      },
    });
    assert.equal(rest.length, 0);
    const [free] = eventsOfBatch(record('settled', { transaction: null }), ITEMS);
    assert.equal(free?.transaction_signature, null);
  });

  it('tell why tokens are not minted, and when it is tried again', () => {
    const retrying = eventsOfBatch(record('retrying', { retryAt: 1_763_735_001_000, lastError }), ITEMS);
    assert.deepEqual(
      retrying.map(({ type, error_code, error_reason, retry_at }) => [type, error_code, error_reason, retry_at]),
      new Array(2).fill(['MintFailed', 'chain.x', 'no wallet', '2025-11-21T14:23:21.000Z']),
    );
    const parked = eventsOfBatch(record('parked', { lastError }), ITEMS);
    assert.deepEqual([parked[0]?.retry_at, parked[2]?.successful, parked[2]?.failed], [null, 0, 2]);
    for (const state of ['building', 'confirming', 'split'] as const) {
      assert.deepEqual(eventsOfBatch(record(state), ITEMS), []);
    }
  });

  it('are published for those who listen; what goes wrong is only told', async () => {
    const publish = sinon.spy();
    const troubles: string[] = [];
    const teller = new MintTeller({ nats: { publish } } as unknown as Bus, (error) => troubles.push(error));
    const query = sinon.stub().resolves({ context: { items: ITEMS } });
    teller.use({ query });
    teller.tell(record('settled'));
    teller.tell(record('building'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(query.callCount, 1);
    assert.deepEqual(
      publish.args.map(([subject]) => subject as string),
      ['TokensMinted.METER_1', 'TokensMinted.METER_2', 'BatchMintingCompleted._'].map(
        (end) => `statewatt.live.readings.${end}`,
      ),
    );
    assert.equal((JSON.parse(publish.args[0]?.[1] as string) as MeterEvent).type, 'TokensMinted');
    query.rejects(new Error('away'));
    teller.tell(record('settled'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(troubles, ['away']);
  });
});
