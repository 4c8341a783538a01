import { CsvError, parse } from 'csv-parse/sync';
import { choices, nearest, show, type Origin, type Place, type Problems } from './problems.js';

export interface TableColumns {
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

const OPTIONS = {
  record_delimiter: '\n',
  comment: '#',
  comment_no_infix: true, // `PCS #1` is a name
  skip_empty_lines: true,
  skip_records_with_empty_values: true, // spreadsheets leave lines of bare commas
  relax_column_count: true, // checked here, to say where
  trim: true,
} as const;

/**
 * A CSV table (RFC 4180, comma, first row names the columns) whose rows still know where they were written. Blank
 * lines, lines that start with `#`, CRLF and quoted fields are understood.
 */
export class CsvTable {
  readonly file: string;
  readonly rows: readonly CsvRow[];
  readonly columns: ReadonlyMap<string, number>;
  readonly #text: string;
  readonly #problems: Problems;
  #places: { lines: readonly string[]; records: readonly RecordPlace[] } | undefined;

  private constructor(file: string, text: string, header: readonly string[], records: string[][], problems: Problems) {
    this.file = file;
    this.columns = new Map(header.map((name, index) => [name, index]));
    this.#text = text;
    this.#problems = problems;
    this.rows = records.map((record, index) => new CsvRow(this, index + 1, record));
  }

  /** Undefined when it cannot be read as a table with these columns; the reasons are then problems. */
  static parse(file: string, written: string, columns: TableColumns, problems: Problems): CsvTable | undefined {
    const text = written.replace(/\r\n?/g, '\n'); // files that were edited on several systems mix them
    let records: string[][];
    try {
      records = parse(text, OPTIONS);
    } catch (error) {
      if (!(error instanceof CsvError)) throw error;
      // A quote that is never closed is found at the end: the record that it is in says more.
      const isOpen = error.code === 'CSV_QUOTE_NOT_CLOSED';
      const line = (isOpen ? locateRecords(text).at(-1)?.line : Number(error.lines)) || 1;
      const place = { file, line, column: 1, source: text.split('\n')[line - 1] ?? '' };
      problems.add(place, '', error.code, 'CSV as in RFC 4180', `not valid CSV: ${error.message}`);
      return undefined;
    }
    const [header, ...body] = records;
    const names = [...columns.required, ...columns.optional];
    if (header === undefined) {
      problems.addFile(file, 'no line', 'a header line', `found no line, allowed a header line: ${names.join(',')}`);
      return undefined;
    }
    const table = new CsvTable(file, text, header.map(normalizeName), body, problems);
    return table.#checkHeader(header, columns, names) ? table : undefined;
  }

  #checkHeader(header: readonly string[], columns: TableColumns, names: readonly string[]): boolean {
    const before = this.#problems.list.length;
    for (const [index, written] of header.entries()) {
      const name = normalizeName(written);
      if (!names.includes(name)) {
        const near = nearest(name, names);
        const hint = near === undefined ? '' : `; did you mean ${near}?`;
        const why = `unknown column ${show(written)}, allowed ${choices(names)}${hint}`;
        this.#problems.add(this.place(0, index), '', show(written), choices(names), why);
      } else if (this.columns.get(name) !== index) {
        this.#problems.add(this.place(0, index), name, 'the column twice', 'each column once');
      }
    }
    const missing = columns.required.filter((name) => !this.columns.has(name));
    if (missing.length > 0) {
      const why = `the header lacks ${missing.join(', ')}; allowed ${choices(names)}`;
      this.#problems.add(this.place(0, 0), '', header.join(','), choices(names), why);
    }
    return this.#problems.list.length === before;
  }

  /** Where a field is written; record 0 is the header. Worked out from the text on the first call. */
  place(record: number, field: number): Place {
    this.#places ??= { lines: this.#text.split('\n'), records: locateRecords(this.#text) };
    const start = this.#places.records[record] ?? { offset: 0, line: 1 };
    const { offset, line, lineStart } = locateField(this.#text, start, field);
    return { file: this.file, line, column: offset - lineStart + 1, source: this.#places.lines[line - 1] ?? '' };
  }

  report(record: number, column: string, found: string, allowed: string, why?: string): void {
    this.#problems.add(this.place(record, this.columns.get(column) ?? 0), column, found, allowed, why);
  }
}

/** One row of a table. */
export class CsvRow implements Origin {
  readonly #table: CsvTable;
  readonly #record: number;
  readonly #fields: readonly string[];

  constructor(table: CsvTable, record: number, fields: readonly string[]) {
    this.#table = table;
    this.#record = record;
    this.#fields = fields;
  }

  has(column: string): boolean {
    return this.#table.columns.has(column);
  }

  /** The field's text; empty when the row or the table has no such field. */
  cell(column: string): string {
    const index = this.#table.columns.get(column);
    return index === undefined ? '' : (this.#fields[index] ?? '');
  }

  /** Says so when the row has more fields than the header; whether it may be read on. */
  checkLength(): boolean {
    const columns = this.#table.columns.size;
    if (this.#fields.length <= columns || this.#fields.slice(columns).every((field) => field === '')) return true;
    const last = [...this.#table.columns.keys()].at(-1) as string;
    const found = `${this.#fields.length} fields`;
    this.report(
      last,
      found,
      `${columns}, as in the header`,
      `the row has ${found}, allowed ${columns}, as in the header`,
    );
    return false;
  }

  report(column: string, found: string, allowed: string, why?: string): void {
    this.#table.report(this.#record, column, found, allowed, why);
  }
}

function normalizeName(name: string): string {
  return name.toLowerCase().replaceAll(' ', '_');
}

interface RecordPlace {
  offset: number;
  line: number;
}

/** Where each record (header first) begins. The same reading rules as OPTIONS, for places only. */
function locateRecords(text: string): RecordPlace[] {
  const places: RecordPlace[] = [];
  let offset = 0;
  let line = 1;
  while (offset < text.length) {
    const start = offset;
    const startLine = line;
    let quoted = false;
    const isComment = text[start] === '#';
    while (offset < text.length && (quoted || text[offset] !== '\n')) {
      if (text[offset] === '"' && !isComment) quoted = !quoted;
      if (text[offset] === '\n') line += 1;
      offset += 1;
    }
    const isEmpty = /^[\s,"]*$/.test(text.slice(start, offset));
    if (!isComment && !isEmpty) places.push({ offset: start, line: startLine });
    offset += 1;
    line += 1;
  }
  return places;
}

/** Where a field of the record at `start` begins; the record's last field when it has fewer. */
function locateField(text: string, start: RecordPlace, field: number) {
  const found = { offset: start.offset, line: start.line, lineStart: start.offset };
  let { line } = start;
  let lineStart = start.offset;
  let quoted = false;
  let left = field;
  for (let index = start.offset; left > 0 && index < text.length; index++) {
    const char = text[index];
    if (char === '"') quoted = !quoted;
    if (char === '\n') {
      if (!quoted) break;
      line += 1;
      lineStart = index + 1;
    }
    if (char !== ',' || quoted) continue;
    left -= 1;
    Object.assign(found, { offset: index + 1, line, lineStart });
  }
  while (text[found.offset] === ' ') found.offset += 1;
  return found;
}
