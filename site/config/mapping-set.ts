import type { ModbusMapping } from '../model.js';
import { MAX_POINT_ID, POINT_KINDS, pointKey, type PointKind } from '../points.js';
import { readInteger } from './cells.js';
import type { CsvRow } from './csv-table.js';
import { InlineRow } from './inline-row.js';
import { MAPPING_COLUMNS, readMapping } from './mapping-table.js';
import { readTable, type PointSet } from './point-set.js';
import { choices, show } from './problems.js';
import type { SiteSource } from './source.js';
import { KIND_NAMES, type TableFiles } from './table-files.js';

/** Where each point of a Modbus channel lives, by point key. Every point has a mapping, or a problem was noted. */
export async function readMappings(
  source: SiteSource,
  files: TableFiles | undefined,
  points: PointSet,
  slaveId: number,
): Promise<Map<number, ModbusMapping>> {
  const found = new Map<number, ModbusMapping>();
  for (const { point, row } of points.sorted()) {
    if (!(row instanceof InlineRow)) continue;
    const mapping = readMapping(row, point, slaveId);
    if (mapping !== undefined) found.set(pointKey(point.kind, point.id), mapping);
  }
  if (files === undefined) return found;
  for (const kind of POINT_KINDS) await readKind(source, files, kind, points, slaveId, found);
  return found;
}

async function readKind(
  source: SiteSource,
  files: TableFiles,
  kind: PointKind,
  points: PointSet,
  slaveId: number,
  found: Map<number, ModbusMapping>,
): Promise<void> {
  const table = await firstTable(source, files, kind);
  if (table === 'unusable') return;
  const unmapped = new Map(
    points
      .ofKind(kind)
      .filter(({ row }) => !(row instanceof InlineRow))
      .map((defined) => [defined.point.id, defined]),
  );
  if (table === undefined) {
    if (unmapped.size > 0) reportNoTable(source, files, kind, unmapped.size);
    return;
  }
  const seen = new Set<number>();
  let isReadable = true;
  for (const row of table) {
    const id = row.checkLength() ? readInteger(row, 'point_id', 1, MAX_POINT_ID) : undefined;
    if (id === undefined) {
      isReadable = false; // it may be the row of a point that seems to have none
      continue;
    }
    if (seen.has(id)) {
      row.report('point_id', `point ${id} again`, 'one row for each point');
      continue;
    }
    seen.add(id);
    const defined = unmapped.get(id);
    if (defined === undefined) {
      if (!points.isPartial) reportUnknown(row, id, kind, [...unmapped.keys()]);
      continue;
    }
    const mapping = readMapping(row, defined.point, slaveId);
    if (mapping !== undefined) found.set(pointKey(kind, id), mapping);
  }
  for (const [id, { row }] of unmapped) {
    if (seen.has(id) || !isReadable) continue;
    const path = (files.mappings[kind][0] as string).split(/[/\\]/).at(-1);
    row.report('point_id', `point ${id} without a mapping`, `a point with a row in ${path}`);
  }
}

async function firstTable(
  source: SiteSource,
  files: TableFiles,
  kind: PointKind,
): Promise<readonly CsvRow[] | 'unusable' | undefined> {
  for (const path of files.mappings[kind]) {
    const rows = await readTable(source, path, MAPPING_COLUMNS, files.named.get(path));
    if (rows !== 'missing') return rows;
  }
  return undefined;
}

function reportNoTable(source: SiteSource, files: TableFiles, kind: PointKind, count: number): void {
  const name = KIND_NAMES[kind];
  const what = `${count} ${name} point${count === 1 ? '' : 's'} without a mapping table`;
  const [path] = files.mappings[kind];
  if (path === undefined) {
    files.block.report('protocol_mapping_files', what, `${name}_mapping: the path of the table`);
    return;
  }
  source.problems.addFile(path, 'no file', 'a mapping table', `there is no such file; found ${what}`);
}

function reportUnknown(row: CsvRow, id: number, kind: PointKind, known: readonly number[]): void {
  const name = KIND_NAMES[kind];
  const allowed =
    known.length === 0
      ? `a point of the ${name} table, which has none`
      : known.length <= 8
        ? `a point of the ${name} table: ${choices(known)}`
        : `a point of the ${name} table`;
  row.report('point_id', show(id), allowed, `found ${id}, which is no ${name} point; allowed ${allowed}`);
}
