import assert from 'node:assert/strict';
import { checkMinting, type MintingFacts, type WorthReading } from '../../../chaos/checks/minting.js';

const reading = (id: string, wallet: string, tokens: bigint): WorthReading => ({ id, wallet, tokens });
const A1 = reading('m1/1', 'anna', 10n);
const A2 = reading('m1/2', 'anna', 20n);
const B1 = reading('m2/1', 'berta', 7n);
const ZERO = reading('m2/2', 'berta', 0n);

/** Two batches; the second was made twice, its first transaction never came to be. */
const GOOD: MintingFacts = {
  accepted: [A1, A2, B1, ZERO],
  owed: [A1, B1, A2, ZERO],
  batches: new Map([
    ['1', { readings: ['m1/1', 'm2/1'], signed: ['s1'] }],
    ['2', { readings: ['m1/2'], signed: ['s0', 's2'] }],
    ['3', { readings: ['m2/2'], signed: [] }],
  ]),
  chain: [
    { signature: 's2', batch: '2', amounts: [{ wallet: 'anna', tokens: 20n }] },
    {
      ...{ signature: 's1', batch: '1' },
      amounts: [
        { wallet: 'anna', tokens: 10n },
        { wallet: 'berta', tokens: 7n },
      ],
    },
  ],
};

function failed(change: Partial<MintingFacts>): string[] {
  return checkMinting({ ...GOOD, ...change })
    .filter(({ passed }) => !passed)
    .map(({ invariant }) => invariant);
}

/** Each plants one violation into what a good run leaves. */
describe('the checks of minting', () => {
  it('take what is right', () => {
    assert.deepEqual(failed({}), []);
  });

  it('find a reading that was accepted and is not in the journal', () => {
    assert.deepEqual(failed({ owed: [A1, B1, ZERO] }), ['readings-kept', 'minted-once']);
  });

  it('find one that stands there twice, was never accepted, or is worth something else', () => {
    assert.deepEqual(failed({ owed: [...GOOD.owed, A1] }), ['readings-kept']);
    assert.deepEqual(failed({ owed: [...GOOD.owed, reading('m9/1', 'anna', 1n)] }), ['readings-kept']);
    const elsewhere = reading('m2/1', 'anna', 7n);
    assert.ok(failed({ owed: [A1, elsewhere, A2, ZERO] }).includes('readings-kept'));
    assert.ok(failed({ owed: [A1, { ...B1, tokens: 8n }, A2, ZERO] }).includes('readings-kept'));
  });

  it('find a batch that was minted twice', () => {
    const again = { signature: 's0', batch: '2', amounts: [{ wallet: 'anna', tokens: 20n }] };
    assert.deepEqual(failed({ chain: [...GOOD.chain, again] }), ['minted-sum', 'minted-once']);
  });

  it('find a reading in two batches, and one in none', () => {
    const twice = new Map([...GOOD.batches, ['3', { readings: ['m2/2', 'm1/1'], signed: ['s3'] }]] as const);
    const third = { signature: 's3', batch: '3', amounts: [{ wallet: 'anna', tokens: 10n }] };
    assert.deepEqual(failed({ batches: twice, chain: [...GOOD.chain, third] }), ['minted-sum', 'minted-once']);
    assert.deepEqual(failed({ chain: GOOD.chain.slice(1) }), ['minted-sum', 'minted-once']);
  });

  it('find one base unit too much or too little', () => {
    for (const tokens of [19n, 21n]) {
      const [first, ...others] = GOOD.chain;
      const changed = { ...first, signature: 's2', batch: '2', amounts: [{ wallet: 'anna', tokens }] };
      assert.deepEqual(failed({ chain: [changed, ...others] }), ['minted-sum', 'minted-once']);
    }
  });

  it('find right sums that went by wrong transactions: signed by nobody, of no batch, of another one', () => {
    const by = (change: object) => ({
      chain: GOOD.chain.map((each, index) => (index === 0 ? { ...each, ...change } : each)),
    });
    assert.deepEqual(failed(by({ signature: 's9' })), ['minted-once']);
    assert.deepEqual(failed(by({ batch: undefined })), ['minted-once']);
    assert.deepEqual(failed(by({ batch: '1', signature: 's1' })), ['minted-once']);
  });
});
