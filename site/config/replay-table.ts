import { readNumber } from './cells.js';
import type { TableColumns } from './csv-table.js';
import { readTable } from './point-set.js';
import { show } from './problems.js';
import { resolveIn, type Block, type SiteSource } from './source.js';

const COLUMNS: TableColumns = { required: ['time_ms', 'value'], optional: [] };

/** Rows of `time_ms,value` for a replay: times from the start, each later than the one before. */
export async function readReplay(
  source: SiteSource,
  file: string,
  block: Block,
): Promise<(readonly [number, number])[] | undefined> {
  const path = resolveIn(source.folder, file);
  const table = await readTable(source, path, COLUMNS, block);
  if (table === 'missing' || table === 'unusable') return undefined;
  const rows: (readonly [number, number])[] = [];
  for (const row of table) {
    const time = row.checkLength() ? readNumber(row, 'time_ms') : undefined;
    const value = readNumber(row, 'value');
    const last = rows.at(-1)?.[0] ?? -1;
    if (row.cell('time_ms') === '') row.report('time_ms', 'nothing', 'a number from 0');
    else if (time !== undefined && time <= last) {
      row.report('time_ms', show(time), last < 0 ? 'a number from 0' : `a number greater than ${last}, the row before`);
    }
    if (row.cell('value') === '') row.report('value', 'nothing', 'a number');
    if (time !== undefined && value !== undefined) rows.push([time, value]);
  }
  if (table.length === 0) block.report('', `no row in ${path}`, 'a table with at least one row');
  return rows;
}
