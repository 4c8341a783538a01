import { POINT_KINDS, pointKey, type PointDefinition, type PointKind } from '../points.js';
import { CsvTable, type CsvRow, type TableColumns } from './csv-table.js';
import { InlineRow } from './inline-row.js';
import { POINT_COLUMNS, readPoint } from './point-table.js';
import { show, type Origin } from './problems.js';
import type { PointFile } from './schema/channel.js';
import type { Block, SiteSource } from './source.js';
import { KIND_NAMES, type TableFiles } from './table-files.js';

/** A point and what defines it: a row, or a block of the site file. */
export interface DefinedPoint {
  readonly point: PointDefinition;
  readonly row: Origin;
}

/** The points of one channel, by key; ids are unique within a kind. */
export class PointSet {
  readonly #byKey = new Map<number, DefinedPoint>();
  /** A row could not be read, so what is missing may be in it. */
  #isPartial = false;

  get isPartial(): boolean {
    return this.#isPartial;
  }

  get size(): number {
    return this.#byKey.size;
  }

  add(point: PointDefinition | undefined, row: Origin): void {
    if (point === undefined) {
      this.#isPartial = true;
      return;
    }
    const key = pointKey(point.kind, point.id);
    const other = this.#byKey.get(key);
    if (other === undefined) {
      this.#byKey.set(key, { point, row });
      return;
    }
    const what = `id ${point.id}, which the ${KIND_NAMES[point.kind]} point ${show(other.point.name)} has too`;
    row.report('point_id', what, `each id once for ${KIND_NAMES[point.kind]}`);
  }

  markPartial(): void {
    this.#isPartial = true;
  }

  get(kind: PointKind, id: number): DefinedPoint | undefined {
    return this.#byKey.get(pointKey(kind, id));
  }

  /** Smallest id of the kind above all that are taken. */
  nextId(kind: PointKind): number {
    return this.ofKind(kind).reduce((highest, { point }) => Math.max(highest, point.id), 0) + 1;
  }

  ofKind(kind: PointKind): DefinedPoint[] {
    return [...this.#byKey.values()].filter(({ point }) => point.kind === kind);
  }

  /** Ascending by kind (T, S, C, A), then id: the order of keys. */
  sorted(): DefinedPoint[] {
    return [...this.#byKey.entries()].sort(([a], [b]) => a - b).map(([, defined]) => defined);
  }
}

/** The points of a channel's tables and of its list in the site file. */
export async function readPoints(
  source: SiteSource,
  files: TableFiles | undefined,
  inline: readonly PointFile[] | undefined,
  block: Block,
): Promise<PointSet> {
  const set = new PointSet();
  for (const [index, values] of (inline ?? []).entries()) {
    const row = new InlineRow(values, block.at('points', index));
    set.add(readPoint(row, values.kind ?? 'T'), row);
  }
  if (files === undefined) return set;
  let tables = 0;
  for (const kind of POINT_KINDS) {
    const path = files.points[kind];
    if (path === undefined) continue;
    const rows = await readTable(source, path, POINT_COLUMNS, files.named.get(path));
    if (rows !== 'missing') tables += 1;
    if (rows === 'missing') continue;
    if (rows === 'unusable') set.markPartial();
    else for (const row of rows) set.add(row.checkLength() ? readPoint(row, kind) : undefined, row);
  }
  if (tables === 0 && files.named.size === 0) {
    const names = POINT_KINDS.map((kind) => `${KIND_NAMES[kind]}.csv`).join(', ');
    const what = (await source.reader.kind(files.folder)) === undefined ? 'no such folder' : 'no table';
    files.block.report('', what, names, `found ${what} (${files.folder}), allowed a folder with any of ${names}`);
    set.markPartial();
  }
  return set;
}

/**
 * The rows of a table. `unusable` has been noted as a problem, and so has `missing` when the site file names the table
 * (`namedBy`).
 */
export async function readTable(
  source: SiteSource,
  path: string,
  columns: TableColumns,
  namedBy?: Block,
): Promise<readonly CsvRow[] | 'missing' | 'unusable'> {
  const file = await source.reader.text(path);
  if (file.state === 'missing') {
    if (namedBy === undefined) return 'missing';
    namedBy.report('', 'no such file', 'a CSV table', `there is no file ${path}, allowed the path of a CSV table`);
    return 'unusable';
  }
  if (file.state === 'unusable') return 'unusable';
  return CsvTable.parse(path, file.text, columns, source.problems)?.rows ?? 'unusable';
}
