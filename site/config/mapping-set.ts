import { MAX_POINT_ID, POINT_KINDS, pointKey, type PointDefinition, type PointKind } from '../points.js';
import { readInteger, type Row } from './cells.js';
import type { CsvRow, TableColumns } from './csv-table.js';
import { InlineRow } from './inline-row.js';
import { readTable, type DefinedPoint, type PointSet } from './point-set.js';
import { choices, show } from './problems.js';
import type { SiteSource } from './source.js';
import { KIND_NAMES, type TableFiles } from './table-files.js';

/** What a protocol's mapping tables hold. */
export interface MappingForm<M> {
  readonly columns: TableColumns;
  /** Undefined when a fault was noted. */
  read(row: Row, point: PointDefinition): M | undefined;
  /** The mapping of a point that no row is about; without it every point needs a row. */
  readonly unmapped?: (point: PointDefinition) => M;
}

/** Points with their mappings, parallel. */
export interface MappedPoints<M> {
  readonly points: readonly PointDefinition[];
  readonly mappings: readonly M[];
}

/** Those of the points that have a mapping, in the order of keys. */
export function mappedPoints<M>(points: PointSet, mappings: ReadonlyMap<number, M>): MappedPoints<M> {
  const keyOf = ({ point }: DefinedPoint): number => pointKey(point.kind, point.id);
  const defined = points.sorted().filter((each) => mappings.has(keyOf(each)));
  return {
    points: defined.map(({ point }) => point),
    mappings: defined.map((each) => mappings.get(keyOf(each)) as M),
  };
}

/** Where each point of a channel lives, by point key. Every point has a mapping, or a problem was noted. */
export async function readMappings<M>(
  source: SiteSource,
  files: TableFiles | undefined,
  points: PointSet,
  form: MappingForm<M>,
): Promise<Map<number, M>> {
  const found = new Map<number, M>();
  for (const { point, row } of points.sorted()) {
    if (!(row instanceof InlineRow)) continue;
    const mapping = form.read(row, point);
    if (mapping !== undefined) found.set(pointKey(point.kind, point.id), mapping);
  }
  if (files === undefined) return found;
  for (const kind of POINT_KINDS) await readKind(source, files, kind, points, form, found);
  return found;
}

async function readKind<M>(
  source: SiteSource,
  files: TableFiles,
  kind: PointKind,
  points: PointSet,
  form: MappingForm<M>,
  found: Map<number, M>,
): Promise<void> {
  const table = await firstTable(source, files, kind, form.columns);
  if (table === 'unusable') return;
  const unmapped = new Map(
    points
      .ofKind(kind)
      .filter(({ row }) => !(row instanceof InlineRow))
      .map((defined) => [defined.point.id, defined]),
  );
  if (table === undefined) {
    const { unmapped: byDefault } = form;
    if (byDefault !== undefined)
      for (const [id, { point }] of unmapped) found.set(pointKey(kind, id), byDefault(point));
    else if (unmapped.size > 0) reportNoTable(source, files, kind, unmapped.size);
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
    const mapping = form.read(row, defined.point);
    if (mapping !== undefined) found.set(pointKey(kind, id), mapping);
  }
  for (const [id, { point, row }] of unmapped) {
    if (seen.has(id) || !isReadable) continue;
    if (form.unmapped !== undefined) {
      found.set(pointKey(kind, id), form.unmapped(point));
      continue;
    }
    const path = (files.mappings[kind][0] as string).split(/[/\\]/).at(-1);
    row.report('point_id', `point ${id} without a mapping`, `a point with a row in ${path}`);
  }
}

async function firstTable(
  source: SiteSource,
  files: TableFiles,
  kind: PointKind,
  columns: TableColumns,
): Promise<readonly CsvRow[] | 'unusable' | undefined> {
  for (const path of files.mappings[kind]) {
    const rows = await readTable(source, path, columns, files.named.get(path));
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
