import type { PointScope } from '../expressions/index.js';
import { formatPointAddress } from '../points.js';
import type { MeterSource } from './readings.js';
import { rolloverOf } from './register.js';

/** What of a source cannot be used. */
export interface SourceProblem {
  readonly key: 'point' | 'rollover' | 'intervalSecs';
  readonly found: string;
  readonly allowed: string;
}

const DAY_SECS = 86_400;

/**
 * What is wrong with the source of a meter whose form is right; empty: nothing.
 *
 * @param points of the site; undefined: they are not known
 */
export function checkSource(source: MeterSource, points: PointScope | undefined): SourceProblem[] {
  const { channel, point, rollover, intervalSecs = DAY_SECS, unit } = source;
  const problems: SourceProblem[] = [];
  const address = { channel, kind: 'T', id: point } as const;
  const found = points?.find(address);
  if (points !== undefined && found !== 'number') {
    const written = formatPointAddress(address);
    const allowed = found === 'text' ? 'a point that holds a number' : points.allowed(written);
    problems.push({ key: 'point', found: written, allowed });
  }
  if (rollover !== undefined && (rolloverOf(source) ?? 0n) === 0n) {
    problems.push({ key: 'rollover', found: `${rollover} ${unit}`, allowed: 'from 1 µWh to 18 TWh' });
  }
  if (DAY_SECS % intervalSecs !== 0) {
    problems.push({
      key: 'intervalSecs',
      found: String(intervalSecs),
      allowed: 'a divisor of a day, such as 900 or 3600',
    });
  }
  return problems;
}
