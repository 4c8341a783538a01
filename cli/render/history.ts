import type { HistoryPage, HistoryRow } from '../../actors/client/schemas.js';
import type { Cli } from '../cli.js';
import type { Column } from './table.js';
import { NOTHING, formatTime, formatValue } from './text.js';
import { qualityTone } from './tone.js';

/** A page of the past of a point, whatever it is a point of. */
export type PastPage = Omit<HistoryPage, 'channel' | 'kind' | 'id'>;

/** Prints the pages of a history as they come, so that a year of values never has to fit in memory. */
export interface HistoryWriter {
  /** Called once, with the first page, before its rows. */
  begin(first: PastPage): Promise<void>;
  rows(page: PastPage): Promise<void>;
  end(last: PastPage): Promise<void>;
}

/** An aligned table; the titles stand above the first page only. */
export function tableWriter(cli: Cli): HistoryWriter {
  let titles = true;
  return {
    begin: () => Promise.resolve(),
    async rows(page) {
      await cli.table(page.resolution === 'raw' ? RAW : ROLLUP, page.rows, titles);
      titles = false;
    },
    end: () => Promise.resolve(),
  };
}

const RAW: readonly Column<HistoryRow>[] = [
  { title: 'TIME', value: (row) => formatTime(row.time) },
  { title: 'VALUE', value: (row) => formatValue(row.value), align: 'right' },
  {
    title: 'QUALITY',
    value: (row) => row.quality ?? NOTHING,
    tone: (row) => (row.quality === undefined ? 'none' : qualityTone(row.quality)),
  },
];

const ROLLUP: readonly Column<HistoryRow>[] = [
  { title: 'FROM', value: (row) => formatTime(row.time) },
  { title: 'MEAN', value: (row) => formatValue(row.value), align: 'right' },
  ...(['min', 'max', 'first', 'last', 'count'] as const).map((field): Column<HistoryRow> => ({
    title: field.toUpperCase(),
    value: (row) => formatValue(row[field] ?? null),
    align: 'right',
  })),
];

/** One document as the page is, that holds the rows of every page; `nextCursor` is that of the last. */
export function jsonWriter(cli: Cli): HistoryWriter {
  let separator = '';
  return {
    async begin({ rows: _rows, nextCursor: _nextCursor, ...about }) {
      const head = JSON.stringify(about);
      await cli.out.write(`${head.slice(0, -1)},"rows":[`);
    },
    async rows(page) {
      if (page.rows.length === 0) return;
      await cli.out.write(separator + page.rows.map((row) => JSON.stringify(row)).join(','));
      separator = ',';
    },
    async end(last) {
      await cli.out.write(`],"nextCursor":${JSON.stringify(last.nextCursor)}}\n`);
    },
  };
}

const CSV_RAW = ['time', 'value', 'quality'] as const;
const CSV_ROLLUP = ['time', 'value', 'min', 'max', 'first', 'last', 'count'] as const;

/** RFC 4180, but with line breaks as Unix has them; times are ISO 8601 in UTC; an absent value is an empty field. */
export function csvWriter(cli: Cli): HistoryWriter {
  const fields = (page: PastPage) => (page.resolution === 'raw' ? CSV_RAW : CSV_ROLLUP);
  return {
    async begin(first) {
      await cli.out.write(`${fields(first).join(',')}\n`);
    },
    async rows(page) {
      const line = (row: HistoryRow) =>
        fields(page)
          .map((field) => (field === 'time' ? new Date(row.time).toISOString() : csvField(row[field] ?? null)))
          .join(',');
      await cli.out.write(page.rows.map((row) => `${line(row)}\n`).join(''));
    },
    end: () => Promise.resolve(),
  };
}

function csvField(value: string | number | null): string {
  if (value === null) return '';
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
