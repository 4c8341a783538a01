import {
  layoutOf,
  MAX_FRAME_BYTES,
  type CanByteOrder,
  type CanChannel,
  type CanSignal,
  type CanSource,
} from '../channels/can.js';
import type { PollingDefaults } from '../model.js';
import type { PointDefinition } from '../points.js';
import { pemFile } from './broker.js';
import { readBoolean, readInteger, readWord, type Row } from './cells.js';
import { hasPoints, readCommon, reportNoPoints } from './channel-common.js';
import type { TableColumns } from './csv-table.js';
import { mappedPoints, readMappings } from './mapping-set.js';
import { readPoints } from './point-set.js';
import { show } from './problems.js';
import { CAN_CHANNEL_DEFAULTS as D, CAN_ENCODINGS, type CanChannelFile } from './schema/can-channel.js';
import type { Block, SiteSource } from './source.js';
import { findTables } from './table-files.js';

/** Columns of the mapping table of a CAN channel. */
export const CAN_COLUMNS: TableColumns = {
  required: ['point_id', 'can_id', 'start_bit', 'length'],
  optional: ['extended', 'byte_order', 'encoding', 'stale_after_ms'],
};
const BYTE_ORDERS: ReadonlyMap<string, CanByteOrder> = new Map([
  ['little', 'little'],
  ['big', 'big'],
  ['intel', 'little'],
  ['motorola', 'big'],
]);
const ENCODINGS: ReadonlyMap<string, CanSignal['encoding']> = new Map(CAN_ENCODINGS.map((word) => [word, word]));
const MAX_STALE_MS = 2_147_483_647;
/** ISO 11898-1: identifiers of 11 and of 29 bits. */
const MAX_BASE_ID = 0x7ff;
const MAX_EXTENDED_ID = 0x1fff_ffff;

export async function readCanChannel(
  source: SiteSource,
  file: CanChannelFile,
  block: Block,
  defaults: PollingDefaults,
): Promise<CanChannel | undefined> {
  const frames = await readSource(source, file, block.at('source'));
  const tables = await findTables(source, file, block);
  const points = await readPoints(source, tables, file.points, block);
  const staleAfterMs = file.stale_after_ms ?? D.staleAfterMs;
  const mappings = await readMappings(source, tables, points, {
    columns: CAN_COLUMNS,
    read: (row, point) => readSignal(row, point, staleAfterMs),
  });
  if (!hasPoints(file) && tables === undefined) reportNoPoints(source, file, block);
  if (frames === undefined) return undefined;
  return {
    ...readCommon(file, block, defaults),
    ...mappedPoints(points, mappings),
    protocol: 'can',
    source: frames,
  };
}

async function readSource(
  source: SiteSource,
  { source: file }: CanChannelFile,
  block: Block,
): Promise<CanSource | undefined> {
  const log = await pemFile(source, file.log, block, 'log');
  if (log !== undefined) {
    return {
      type: 'log',
      file: log,
      ...(file.interface === undefined ? {} : { interface: file.interface }),
      speed: file.speed ?? D.speed,
      repeat: file.repeat ?? D.repeat,
    };
  }
  for (const key of ['speed', 'repeat'] as const)
    if (file[key] !== undefined) block.report(key, show(file[key]), 'log beside it');
  if (file.interface !== undefined) return { type: 'interface', interface: file.interface };
  block.report('', 'nothing', 'interface or log');
  return undefined;
}

/** Where a point lies on the bus; undefined when a fault was noted. */
function readSignal(row: Row, point: PointDefinition, channelStaleMs: number): CanSignal | undefined {
  if (point.kind === 'C' || point.kind === 'A' || point.dataType === 'string') {
    const found = point.dataType === 'string' ? 'a text' : `a ${point.kind} point`;
    row.report('point_id', found, 'T and S points that are no texts, as CAN channels are only read');
    return undefined;
  }
  const canId = readCanId(row);
  const startBit = readInteger(row, 'start_bit', 0, MAX_FRAME_BYTES * 8 - 1);
  const length = readInteger(row, 'length', 1, 64);
  const byteOrder = readWord(row, 'byte_order', BYTE_ORDERS) ?? D.byteOrder;
  const encoding = readWord(row, 'encoding', ENCODINGS) ?? D.encoding;
  const staleAfterMs = readInteger(row, 'stale_after_ms', 0, MAX_STALE_MS, channelStaleMs);
  if (canId === undefined || startBit === undefined || length === undefined || staleAfterMs === undefined)
    return undefined;
  const extended = row.cell('extended') === '' ? canId > MAX_BASE_ID : readBoolean(row, 'extended');
  if (!extended && canId > MAX_BASE_ID) {
    row.report('extended', 'false', 'true, as the identifier is above 0x7FF');
    return undefined;
  }
  if (encoding === 'float' && length !== 32 && length !== 64) {
    row.report('length', String(length), '32 or 64, as IEEE 754 has them');
    return undefined;
  }
  const { bytes } = layoutOf({ startBit, length, byteOrder });
  if (bytes > MAX_FRAME_BYTES) {
    const why = `found ${length} bits from ${startBit} on, which end in byte ${bytes}, allowed up to byte ${MAX_FRAME_BYTES}`;
    row.report('start_bit', String(startBit), `bits up to byte ${MAX_FRAME_BYTES}`, why);
    return undefined;
  }
  return { canId, extended, startBit, length, byteOrder, encoding, staleAfterMs };
}

function readCanId(row: Row): number | undefined {
  const text = row.cell('can_id');
  const id = /^(0x[0-9a-f]{1,8}|\d{1,9})$/i.test(text) ? Number(text) : NaN;
  if (id <= MAX_EXTENDED_ID) return id;
  row.report('can_id', text === '' ? 'nothing' : show(text), 'an identifier from 0 to 0x1FFFFFFF, such as 0x1A0');
  return undefined;
}
