import { BAD, GOOD, isState, STALE, type PointDefinition, type PointKind } from '../../site/points.js';
import type { SourceQuality } from '../arrivals.js';
import { ProtocolError } from '../driver.js';
import type { PointValue, Value } from './contract.js';

/** Names of the contract. */
export const KINDS: Readonly<Record<PointKind, string>> = {
  T: 'KIND_TELEMETRY',
  S: 'KIND_SIGNAL',
  C: 'KIND_CONTROL',
  A: 'KIND_ADJUSTMENT',
};

export function dataTypeOf(point: PointDefinition): string {
  if (point.dataType === 'string') return 'DATA_TYPE_TEXT';
  return isBoolean(point) ? 'DATA_TYPE_BOOLEAN' : 'DATA_TYPE_NUMBER';
}

/** The raw value of a point; undefined when there is none. @throws ProtocolError `protocol.value_invalid` */
export function rawOf(value: Value | null, point: PointDefinition): number | string | undefined {
  if (value?.kind === undefined) return undefined;
  const found = value[value.kind];
  if (point.dataType === 'string') return String(found);
  if (typeof found === 'boolean') return found ? 1 : 0;
  if (typeof found === 'number' && Number.isFinite(found)) return found;
  throw new ProtocolError('protocol.value_invalid', `found ${JSON.stringify(found ?? null)}, allowed a number`);
}

/** A raw value as it is sent. */
export function valueOf(raw: number | string, point: PointDefinition): Value {
  if (typeof raw === 'string') return { text: raw };
  return isBoolean(point) ? { boolean: raw !== 0 } : { number: raw };
}

/** A quality that this version does not know is none to rely on. */
export function qualityOf(quality: PointValue['quality']): SourceQuality {
  if (quality === 'QUALITY_UNSPECIFIED' || quality === 'QUALITY_GOOD') return GOOD;
  return quality === 'QUALITY_STALE' ? STALE : BAD;
}

function isBoolean({ kind, dataType }: PointDefinition): boolean {
  return isState(kind) || dataType === 'bool';
}
