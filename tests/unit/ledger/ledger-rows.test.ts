import assert from 'node:assert/strict';
import { changeOfBatch, itemsOfBatch, rowsOfBatch, rowsOfMeter } from '../../../actors/projections/ledger-rows.js';
import type { EffectRecord, JournalEntry } from '../../../bus/messages.js';
import type { MintBatchRecord, MintBatchState } from '../../../site/minting/batch.js';
import { mintItem } from '../../support/minting.js';

function entry(type: string, effects: EffectRecord[], more: object = {}): JournalEntry {
  return { event: { type, ...more }, effects, at: 5, machine: 1, traceparent: '', node: 'n' };
}

function record(state: MintBatchState): MintBatchRecord {
  return {
    ...{ id: '7-1', state, since: 9, createdAt: 1, parent: null, children: [], readings: 1, wallets: 1, tokens: '1' },
    transaction: { signature: 'sig', lastValidBlockHeight: 1, feeEstimate: '1', rentEstimate: '0' },
    ...{ attempts: 1, outcome: null, retryAt: null, lastError: null },
  };
}

describe('rows of the ledger', () => {
  it('says what a meter’s entry makes of readings', () => {
    const { meter, ...item } = mintItem(1, 4);
    const rows = rowsOfMeter(
      entry('submit', [
        { type: 'accepted', params: { items: [item] } },
        { type: 'held', params: { items: [{ ...item, sequence: 5, at: 5, reason: 'much' }] } },
        { type: 'announce', params: {} },
      ]),
      meter,
    );
    const none = { batch: '', signature: '', since: 5 };
    assert.deepEqual(rows, [
      { ...item, meter, status: 'accepted', ...none },
      { ...item, sequence: 5, meter, status: 'held', ...none },
    ]);
    const of = (type: string) => rowsOfMeter(entry(type, [{ type, params: { items: [item] } }]), meter)[0]?.status;
    assert.deepEqual([of('released'), of('refused'), of('rotated')], ['accepted', 'refused', undefined]);
  });

  it('says what becomes of a batch’s readings, and of which entries nothing new', () => {
    const change = (type: string, state: MintBatchState) =>
      changeOfBatch(entry(type, [{ type: 'announce', params: { batch: record(state) } }]))?.state;
    assert.deepEqual(
      [
        change('collect', 'building'),
        change('built', 'signing'),
        change('failed', 'retrying'),
        change('retry', 'building'),
        change('confirmed', 'settled'),
        change('failed', 'parked'),
        change('failed', 'split'),
        changeOfBatch(entry('submitted', [])),
      ],
      ['building', undefined, undefined, 'building', 'settled', 'parked', undefined, undefined],
    );
  });

  it('gives a signature to what is minted only', () => {
    const items = [mintItem(1, 1)];
    const of = (state: MintBatchState) =>
      rowsOfBatch(items, record(state)).map(({ status, batch, signature, since }) => [status, batch, signature, since]);
    assert.deepEqual(of('settled'), [['minted', '7-1', 'sig', 9]]);
    assert.deepEqual(of('parked'), [['failed', '7-1', '', 9]]);
    assert.deepEqual(of('building'), [['minting', '7-1', '', 9]]);
    assert.deepEqual(of('split'), []);
    const free = { ...record('settled'), transaction: null };
    assert.equal(rowsOfBatch(items, free)[0]?.signature, '');
  });

  it('finds the readings of a batch in its first entry', () => {
    const items = [mintItem(1, 1)];
    assert.deepEqual(itemsOfBatch(entry('collect', [], { items })), items);
    assert.equal(itemsOfBatch(entry('built', [])), undefined);
  });
});
