import { StatewattError } from '../../errors/error.js';

/**
 * Energy is a whole number of microwatt-hours everywhere between the meter and the chain: 1 kWh = 1,000,000,000 µWh.
 * Whole numbers, because a double cannot hold every decimal of a kWh, and a lost digit would be a lost token.
 */
export const ENERGY_DECIMALS = 9;

const DECIMAL = /^(0|[1-9]\d{0,19})(?:\.(\d{1,40}))?$/;

/** A non-negative decimal number, exactly: `digits` / 10^`scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

/**
 * A non-negative decimal number from its text: `12`, `12.5`, `0.001`. No sign, no exponent, no blanks, no leading zeros, no
 * bare point, so that a number has one way to be written but for zeros at its end.
 *
 * @returns undefined for any other text
 */
export function parseDecimal(text: string): Decimal | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  return { digits: BigInt(`${match[1]}${fraction}`), scale: fraction.length };
}

/**
 * The energy that a decimal text of kWh means, in µWh, exactly. What a meter has signed is never rounded: a tenth decimal
 * that is not zero is refused.
 *
 * @throws `energy.invalid`, `energy.too_precise`
 */
export function parseKilowattHours(text: string): bigint {
  const decimal = parseDecimal(text);
  if (decimal === undefined) {
    throw new StatewattError(
      'energy.invalid',
      'invalid',
      `${JSON.stringify(text.slice(0, 60))} is no amount of energy; wanted: kWh as a decimal number from 0, such as 12.5, without sign and exponent`,
    );
  }
  if (decimal.scale > ENERGY_DECIMALS) {
    throw new StatewattError(
      'energy.too_precise',
      'invalid',
      `${text} kWh has ${decimal.scale} decimals; at most ${ENERGY_DECIMALS} are kept (1 µWh), and no reading is rounded`,
    );
  }
  return decimal.digits * 10n ** BigInt(ENERGY_DECIMALS - decimal.scale);
}

/** µWh as decimal text of kWh, without zeros at its end: 12500000000n is `12.5`. */
export function formatKilowattHours(microwattHours: bigint): string {
  return formatUnits(microwattHours, ENERGY_DECIMALS);
}

/** A non-negative whole number of units of 10^-`decimals` as decimal text, without zeros at its end. */
export function formatUnits(units: bigint, decimals: number): string {
  if (decimals === 0) return units.toString();
  const digits = units.toString().padStart(decimals + 1, '0');
  const fraction = digits.slice(-decimals).replace(/0+$/, '');
  const whole = digits.slice(0, -decimals);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
