import { isState, type PointDefinition } from '../site/points.js';
import { Readings, toRaw } from '../site/readings.js';
import { ProtocolError } from './driver.js';

/** A point as errors name it. */
export function nameOf({ kind, id, name }: PointDefinition): string {
  return `${kind} ${id} "${name}"`;
}

/**
 * The raw value that a device is sent for a value in engineering units, text for points of type string.
 * @throws ProtocolError `protocol.invalid_value`, `protocol.value_out_of_range`
 */
export function rawToWrite(point: PointDefinition, value: number | string): number | string {
  if (point.dataType !== 'string') return rawNumber(point, value);
  if (typeof value !== 'string') throw invalidValue(point, value, 'a text');
  return value;
}

/** As `rawToWrite`, of a point that is no text. */
export function rawNumber(point: PointDefinition, value: number | string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidValue(point, value, 'a number');
  if (isState(point.kind) && value !== 0 && value !== 1) throw invalidValue(point, value, '0 or 1');
  const { min = -Infinity, max = Infinity, unit } = point;
  if (value < min || value > max) {
    const allowed = `${min} to ${max}${unit === '' ? '' : ` ${unit}`}`;
    throw new ProtocolError('protocol.value_out_of_range', `${nameOf(point)}: found ${value}, allowed ${allowed}`, {
      fatal: true,
      details: { found: value, allowed },
    });
  }
  return toRaw(point, value);
}

export function invalidValue(point: PointDefinition, found: number | string, allowed: string): ProtocolError {
  const text = `${nameOf(point)}: found ${JSON.stringify(found)}, allowed ${allowed}`;
  return new ProtocolError('protocol.invalid_value', text, { fatal: true, details: { found, allowed } });
}

/** @throws ProtocolError `protocol.read_only` */
export function readOnly(point: PointDefinition, why: string): never {
  const text = `${nameOf(point)} cannot be written: ${why}`;
  throw new ProtocolError('protocol.read_only', text, { fatal: true });
}

/** A raw value in engineering units; null when it makes none. */
export function inUnits(point: PointDefinition, raw: number | string): number | string | null {
  if (typeof raw === 'string') return raw;
  const now = new Readings([point]);
  now.setRaw(0, raw, 1);
  const value = now.values[0] as number;
  return Number.isNaN(value) ? null : value;
}

/** Equal but for what a device's own number format may round, such as a float of 32 bits. */
export function isSameValue(written: number | string, readBack: number | string | null): boolean {
  if (typeof written !== 'number' || typeof readBack !== 'number') return written === readBack;
  return Math.abs(written - readBack) <= 1e-6 * Math.max(1, Math.abs(written));
}
