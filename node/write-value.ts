import { StatewattError } from '../errors/error.js';
import { isState, type PointDefinition } from '../site/points.js';

type Checked = Pick<PointDefinition, 'kind' | 'name' | 'unit' | 'dataType' | 'min' | 'max'>;

/**
 * The value that a write carries, checked against the point: states are 0 or 1, numbers are within the point's limits.
 *
 * @throws `points.invalid_value`, `points.out_of_range`
 */
export function checkedValue(point: Checked, address: string, value: number | boolean | string): number | string {
  if (point.dataType === 'string') {
    if (typeof value === 'string') return value;
    throw invalid(point, address, value, 'a text');
  }
  const number = typeof value === 'boolean' ? Number(value) : value;
  if (isState(point.kind)) {
    if (number === 0 || number === 1) return number;
    throw invalid(point, address, value, '0, 1, false or true');
  }
  if (typeof number !== 'number' || typeof value === 'boolean' || !Number.isFinite(number)) {
    throw invalid(point, address, value, 'a number');
  }
  const { min = -Infinity, max = Infinity, unit } = point;
  if (number < min || number > max) {
    const allowed =
      point.max === undefined ? `at least ${min}` : point.min === undefined ? `at most ${max}` : `${min} to ${max}`;
    throw new StatewattError(
      'points.out_of_range',
      'invalid',
      `${address} (${point.name}) takes ${`${allowed} ${unit}`.trim()}, not ${number}`,
      { details: { min: point.min ?? null, max: point.max ?? null, found: number } },
    );
  }
  return number;
}

function invalid(point: Checked, address: string, value: unknown, allowed: string): StatewattError {
  return new StatewattError(
    'points.invalid_value',
    'invalid',
    `${address} (${point.name}) takes ${allowed}, not ${JSON.stringify(value)}`,
  );
}
