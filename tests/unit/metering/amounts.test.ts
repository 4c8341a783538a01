import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StatewattError } from '../../../errors/error.js';
import { formatKilowattHours, formatUnits, parseDecimal, parseKilowattHours } from '../../../site/metering/energy.js';
import { MAX_TOKEN_UNITS, sumTokens, TokenRate } from '../../../site/metering/token-rate.js';

function code(expected: string): (error: unknown) => boolean {
  return (error) => error instanceof StatewattError && error.code === expected;
}

describe('Energy', () => {
  it('is read exactly from decimal text', () => {
    assert.equal(parseKilowattHours('12.5'), 12_500_000_000n);
    assert.equal(parseKilowattHours('0'), 0n);
    assert.equal(parseKilowattHours('0.000000001'), 1n);
    assert.equal(parseKilowattHours('2.01'), 2_010_000_000n); // 2.01 * 1e9 is 2009999999.9999998 as a double
    assert.equal(parseKilowattHours('1.50000000000000000000'), 1_500_000_000n);
  });

  it('of any other text is refused', () => {
    for (const text of [
      '',
      '.5',
      '5.',
      '-1',
      '+1',
      '1e3',
      '1E308',
      'NaN',
      'Infinity',
      '0x10',
      '01',
      ' 1',
      '1 ',
      '1,5',
      '１',
    ]) {
      assert.throws(() => parseKilowattHours(text), code('energy.invalid'), text);
    }
    assert.throws(() => parseKilowattHours('9'.repeat(400)), code('energy.invalid'));
    assert.throws(() => parseKilowattHours(`0.${'1'.repeat(10_000)}`), code('energy.invalid'));
  });

  it('finer than 1 µWh is refused rather than rounded', () => {
    assert.throws(() => parseKilowattHours('1.0000000001'), code('energy.too_precise'));
  });

  it('goes to text and back without loss, for any amount', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 28n }), (energy) => {
        assert.equal(parseKilowattHours(formatKilowattHours(energy)), energy);
      }),
    );
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_TOKEN_UNITS }), fc.integer({ min: 0, max: 18 }), (units, decimals) => {
        const decimal = parseDecimal(formatUnits(units, decimals));
        assert.ok(decimal);
        assert.equal(decimal.digits * 10n ** BigInt(decimals - decimal.scale), units);
      }),
    );
  });
});

/** Ratios with up to 12 digits, rates that are allowed. */
const rates = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 18 }))
  .map(([digits, scale, decimals]) => ({ ratio: formatUnits(digits, scale), decimals, digits, scale }))
  .filter(({ digits, scale, decimals }) => decimals <= 9 || digits >= 10n ** BigInt(scale));

describe('Token rate', () => {
  it('turns kWh into base units as the contract says', () => {
    const one = TokenRate.of({ ratio: '1.0', decimals: 9 });
    assert.equal(one.toTokens(parseKilowattHours('1')), 1_000_000_000n);
    assert.equal(one.toEnergy(1_000_000_000n), parseKilowattHours('1'));
    const two = TokenRate.of({ ratio: '2.0', decimals: 9 });
    assert.equal(two.toTokens(parseKilowattHours('1')), 2_000_000_000n);
    assert.equal(two.toEnergy(2_000_000_000n), parseKilowattHours('1'));
  });

  it('loses no unit of any amount with two decimals up to 100 kWh', () => {
    const rate = TokenRate.of({ ratio: '1', decimals: 9 });
    for (let cents = 0; cents <= 10_000; cents++) {
      const kwh = (cents / 100).toFixed(2);
      assert.equal(rate.toTokens(parseKilowattHours(kwh)), BigInt(cents) * 10_000_000n, kwh);
    }
  });

  it('refuses rates without sense', () => {
    const refused: [string, number][] = [
      ['0', 9],
      ['0.0', 9],
      ['-1', 9],
      ['1e3', 9],
      ['', 9],
      ['1', -1],
      ['1', 19],
      ['1', 1.5],
      ['1', NaN],
      ['0.1', 15],
      ['0.999999', 10],
    ];
    for (const [ratio, decimals] of refused) {
      assert.throws(() => TokenRate.of({ ratio, decimals }), code('tokens.rate_invalid'), `${ratio}, ${decimals}`);
    }
    assert.doesNotThrow(() => TokenRate.of({ ratio: '0.1', decimals: 9 }));
    assert.doesNotThrow(() => TokenRate.of({ ratio: '1', decimals: 18 }));
  });

  it('rounds toward zero: never more than was measured, and less than one unit is left over', () => {
    fc.assert(
      fc.property(rates, fc.bigInt({ min: 0n, max: 10n ** 12n }), ({ ratio, decimals, digits, scale }, energy) => {
        const rate = TokenRate.of({ ratio, decimals });
        fc.pre(energy <= rate.maxEnergy);
        const units = rate.toTokens(energy);
        // units / 10^decimals ≤ energy / 10^9 · digits / 10^scale < (units + 1) / 10^decimals
        const exact = energy * digits * 10n ** BigInt(decimals);
        const unit = 10n ** BigInt(9 + scale);
        assert.ok(units * unit <= exact && exact < (units + 1n) * unit);
        assert.ok(rate.toEnergy(units) <= energy);
        assert.ok(rate.toTokens(rate.toEnergy(units)) <= units);
      }),
    );
  });

  it('never gives more for parts than for the whole', () => {
    const energy = fc.bigInt({ min: 0n, max: 10n ** 11n });
    fc.assert(
      fc.property(rates, fc.array(energy, { maxLength: 20 }), ({ ratio, decimals }, parts) => {
        const rate = TokenRate.of({ ratio, decimals });
        const whole = parts.reduce((sum, part) => sum + part, 0n);
        fc.pre(whole <= rate.maxEnergy);
        const units = sumTokens(parts.map((part) => rate.toTokens(part)));
        assert.ok(units <= rate.toTokens(whole));
        assert.ok(units + BigInt(parts.length) >= rate.toTokens(whole));
      }),
    );
  });

  it('refuses what an unsigned 64-bit integer cannot hold, and not one unit less', () => {
    fc.assert(
      fc.property(rates, ({ ratio, decimals }) => {
        const rate = TokenRate.of({ ratio, decimals });
        assert.ok(rate.toTokens(rate.maxEnergy) <= MAX_TOKEN_UNITS);
        assert.throws(() => rate.toTokens(rate.maxEnergy + 1n), code('tokens.overflow'));
      }),
    );
    assert.equal(sumTokens([MAX_TOKEN_UNITS - 1n, 1n]), MAX_TOKEN_UNITS);
    assert.throws(() => sumTokens([MAX_TOKEN_UNITS, 1n]), code('tokens.overflow'));
  });
});
