import { DATA_TYPES, isState, MAX_POINT_ID, type DataType, type PointDefinition, type PointKind } from '../points.js';
import { readBoolean, readInteger, readNumber, readWord, type Row } from './cells.js';
import type { TableColumns } from './csv-table.js';
import { show } from './problems.js';

/** Columns of a point table (telemetry.csv, signal.csv, control.csv, adjustment.csv). */
export const POINT_COLUMNS: TableColumns = {
  required: ['point_id', 'signal_name'],
  optional: [
    'scale',
    'offset',
    'unit',
    'reverse',
    'data_type',
    'deadband',
    'min',
    'max',
    'min_value',
    'max_value',
    // Notes for people in VoltageEMS's tables; nothing reads them.
    'description',
    'chinese_name',
    'normal_state',
    'alarm_on_change',
    'control_type',
  ],
};

/** Words for data types: the names of DATA_TYPES, `float` = float32 and `int` = int16. */
export const DATA_TYPE_WORDS: ReadonlyMap<string, DataType> = new Map<string, DataType>([
  ...DATA_TYPES.map((type): [string, DataType] => [type, type]),
  ['float', 'float32'],
  ['int', 'int16'],
]);

/** The point that a row defines; undefined when it cannot be identified. Every fault is noted at its field. */
export function readPoint(row: Row, kind: PointKind): PointDefinition | undefined {
  const id = readInteger(row, 'point_id', 1, MAX_POINT_ID);
  const name = row.cell('signal_name');
  if (name === '') row.report('signal_name', 'nothing', 'a name');
  const scale = readNumber(row, 'scale', 1);
  if (scale === 0 && !isState(kind)) row.report('scale', '0', 'a number other than 0');
  const deadband = readNumber(row, 'deadband', 0);
  if (deadband < 0) row.report('deadband', show(deadband), 'a number from 0');
  const min = readNumber(row, row.cell('min') === '' ? 'min_value' : 'min');
  const max = readNumber(row, row.cell('max') === '' ? 'max_value' : 'max');
  if (min !== undefined && max !== undefined && min > max) {
    row.report(row.cell('min') === '' ? 'min_value' : 'min', show(min), `a number up to the maximum, ${max}`);
  }
  const dataType = readWord(row, 'data_type', DATA_TYPE_WORDS) ?? (isState(kind) ? 'bool' : 'float32');
  if (dataType === 'string' && isState(kind)) {
    row.report('data_type', '"string"', 'a number type or bool, as the point is a state');
  }
  if (id === undefined) return undefined;
  return {
    kind,
    id,
    name,
    unit: row.cell('unit'),
    dataType,
    scale,
    offset: readNumber(row, 'offset', 0),
    reverse: readBoolean(row, 'reverse'),
    deadband,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}
