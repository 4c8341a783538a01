import { displayWidth, truncate } from './text.js';
import { paint, type Tone } from './tone.js';

export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  align?: 'left' | 'right';
  tone?: (row: Row) => Tone;
  /** May be cut when the terminal is too narrow; the others never are. */
  shrinks?: boolean;
}

export interface TableOptions {
  /** Columns of the terminal; undefined = any width. */
  width?: number | undefined;
  colour?: boolean;
  /** Leave out the line of titles, for the pages after the first. */
  titles?: boolean;
}

const GAP = '  ';
const LEAST_WIDTH = 8;

/** An aligned table, one line per row, each ending with a line break. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, colour = false, titles = true }: TableOptions = {},
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, index) =>
    cells.reduce((widest, row) => Math.max(widest, displayWidth(row[index] as string)), displayWidth(column.title)),
  );
  if (width !== undefined) shrink(columns, widths, width);

  const line = (texts: readonly string[], tones?: readonly Tone[]) =>
    columns
      .map((column, index) => {
        const text = truncate(texts[index] as string, widths[index] as number);
        const space = ' '.repeat((widths[index] as number) - displayWidth(text));
        const painted = tones === undefined ? text : paint(text, tones[index] as Tone);
        return column.align === 'right' ? space + painted : painted + space;
      })
      .join(GAP)
      .trimEnd();

  const lines = titles ? [line(columns.map((column) => column.title))] : [];
  rows.forEach((row, index) => {
    const tones = colour ? columns.map((column) => column.tone?.(row) ?? 'none') : undefined;
    lines.push(line(cells[index] as string[], tones));
  });
  return lines.map((text) => `${text}\n`).join('');
}

/** Takes what is too much from the columns that may be cut, always from the widest of them. */
function shrink<Row>(columns: readonly Column<Row>[], widths: number[], limit: number): void {
  let excess = widths.reduce((sum, width) => sum + width, GAP.length * (columns.length - 1)) - limit;
  while (excess > 0) {
    let widest = -1;
    columns.forEach((column, index) => {
      const width = widths[index] as number;
      if (column.shrinks && width > LEAST_WIDTH && width > (widths[widest] ?? 0)) widest = index;
    });
    if (widest === -1) return;
    widths[widest] = (widths[widest] as number) - 1;
    excess -= 1;
  }
}
