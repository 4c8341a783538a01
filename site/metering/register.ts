import type { MeterSource } from './readings.js';

/** Units of a counter of energy. */
export const ENERGY_UNITS = ['Wh', 'kWh', 'MWh', 'GWh'] as const;
export type EnergyUnit = (typeof ENERGY_UNITS)[number];

/** 1 of the unit is 10^n µWh. */
const DECIMALS: Readonly<Record<EnergyUnit, number>> = { Wh: 6, kWh: 9, MWh: 12, GWh: 15 };

/** No counter of a meter shows more than 64 bits of µWh, 18 TWh: such a value is a fault. */
const MAX_ENERGY = 2n ** 64n - 1n;
const MAX_VALUE = 2 ** 64;

/**
 * The energy that a counter shows, in µWh: the value by its shortest decimal text (ECMA-262, Number::toString), so that
 * 0.1 is a tenth, rounded half up to whole µWh. It depends on the value alone and never falls while that rises, so the
 * differences of a counter add up to the difference of its ends.
 *
 * @returns undefined for what no counter shows: below 0, above 64 bits of µWh, not finite
 */
export function registerEnergy(value: number, unit: EnergyUnit): bigint | undefined {
  if (!(value >= 0 && value < MAX_VALUE)) return undefined;
  const [mantissa = '', exponent = '0'] = String(value).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const digits = BigInt(whole + fraction);
  const shift = DECIMALS[unit] + Number(exponent) - fraction.length;
  const energy = shift >= 0 ? digits * 10n ** BigInt(shift) : roundedHalfUp(digits, 10n ** BigInt(-shift));
  return energy <= MAX_ENERGY ? energy : undefined;
}

function roundedHalfUp(digits: bigint, divisor: bigint): bigint {
  return (digits + divisor / 2n) / divisor;
}

/** Where the counter of a source begins anew, µWh; undefined: it does not. */
export function rolloverOf({ rollover, unit }: MeterSource): bigint | undefined {
  return rollover === undefined ? undefined : registerEnergy(rollover, unit);
}

/** A counter has rolled over when what it has counted meanwhile would be at most this part of its range. */
const NEAR = 10n;

/**
 * What a counter has counted from one value to a later one, µWh, also over its end: from near the limit to near 0.
 *
 * @returns undefined when it has fallen otherwise: it is another counter, or one of the values is wrong
 */
export function registerStep(from: bigint, to: bigint, rollover: bigint | undefined): bigint | undefined {
  if (to >= from) return to - from;
  if (rollover === undefined || from > rollover) return undefined;
  const step = rollover - from + to;
  return step * NEAR <= rollover ? step : undefined;
}

/** Of readings of a channel's counter, unless the source says otherwise. */
export const DEFAULT_INTERVAL_SECS = 900;

/** Time from one reading of a channel's counter to the next, ms. */
export function intervalOf({ intervalSecs = DEFAULT_INTERVAL_SECS }: MeterSource): number {
  return intervalSecs * 1_000;
}
