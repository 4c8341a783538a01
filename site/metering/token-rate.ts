import { StatewattError } from '../../errors/error.js';
import { ENERGY_DECIMALS, formatKilowattHours, parseDecimal } from './energy.js';

/** The largest amount that the token program can hold: an unsigned 64-bit integer. */
export const MAX_TOKEN_UNITS = 2n ** 64n - 1n;

/**
 * How many tokens energy is worth: tokens = kWh · ratio, counted in base units of 10^-decimals tokens.
 *
 * **Rounding** is toward zero, once for each amount that is converted: what is left over, always less than one base unit, is
 * never minted, so that the supply never exceeds what was measured. The way back is rounded toward zero as well.
 *
 * **Limit**: an amount is at most `MAX_TOKEN_UNITS`; more is refused, never wrapped or cut.
 */
export class TokenRate {
  /** As it was given. */
  readonly ratio: string;
  readonly decimals: number;
  /** Base units = µWh · #units / #energy. */
  readonly #units: bigint;
  readonly #energy: bigint;

  private constructor(ratio: string, decimals: number, units: bigint, energy: bigint) {
    this.ratio = ratio;
    this.decimals = decimals;
    this.#units = units;
    this.#energy = energy;
  }

  /**
   * @param ratio tokens for 1 kWh, as decimal text
   * @param decimals of the token, 0 … 18
   * @throws `tokens.rate_invalid`: not a ratio above 0, decimals outside 0 … 18, or a ratio below 1 with more than 9 decimals,
   *   whose base units would be finer than what a meter counts by more than the ratio takes away
   */
  static of({ ratio, decimals }: { ratio: string; decimals: number }): TokenRate {
    const parsed = parseDecimal(ratio);
    if (parsed === undefined || parsed.digits === 0n) {
      throw invalidRate(
        `${JSON.stringify(ratio.slice(0, 60))} is no ratio; wanted: tokens for 1 kWh as a decimal number above 0`,
      );
    }
    if (!Number.isInteger(decimals) || decimals < 0 || decimals > 18) {
      throw invalidRate(`a token has 0 to 18 decimals, not ${decimals}`);
    }
    const denominator = 10n ** BigInt(parsed.scale);
    if (parsed.digits < denominator && decimals > ENERGY_DECIMALS) {
      throw invalidRate(
        `a ratio below 1 (${ratio}) allows at most ${ENERGY_DECIMALS} decimals, not ${decimals}: more pretend a precision that no reading has`,
      );
    }
    return new TokenRate(
      ratio,
      decimals,
      parsed.digits * 10n ** BigInt(decimals),
      denominator * 10n ** BigInt(ENERGY_DECIMALS),
    );
  }

  /** The most energy whose tokens can be counted, µWh. */
  get maxEnergy(): bigint {
    return ((MAX_TOKEN_UNITS + 1n) * this.#energy - 1n) / this.#units;
  }

  /**
   * Base units for energy in µWh, rounded toward zero.
   *
   * @throws `tokens.overflow` above `maxEnergy`
   */
  toTokens(microwattHours: bigint): bigint {
    const units = (microwattHours * this.#units) / this.#energy;
    if (units > MAX_TOKEN_UNITS) throw overflow(`${formatKilowattHours(microwattHours)} kWh are`, units);
    return units;
  }

  /** The energy that stands behind base units, µWh, rounded toward zero. */
  toEnergy(units: bigint): bigint {
    return (units * this.#energy) / this.#units;
  }
}

/**
 * The sum of amounts in base units.
 *
 * @throws `tokens.overflow`
 */
export function sumTokens(amounts: Iterable<bigint>): bigint {
  let sum = 0n;
  for (const amount of amounts) sum += amount;
  if (sum > MAX_TOKEN_UNITS) throw overflow('the sum is', sum);
  return sum;
}

function overflow(what: string, units: bigint): StatewattError {
  return new StatewattError(
    'tokens.overflow',
    'invalid',
    `${what} ${units} base units; a token account holds at most ${MAX_TOKEN_UNITS}`,
  );
}

function invalidRate(message: string): StatewattError {
  return new StatewattError('tokens.rate_invalid', 'invalid', message);
}
