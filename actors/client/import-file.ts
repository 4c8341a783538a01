import { Readable } from 'node:stream';
import { parse, type CsvError } from 'csv-parse';
import { errorMessage, StatewattError } from '../../errors/error.js';
import { QUALITIES, type Quality } from '../../site/points.js';
import { ALLOWED_ADDRESSES, parseAddress, type AnyPoint } from './addresses.js';
import type { ArchiveClient } from './archive.js';
import { MAX_IMPORT_ROWS, type ImportRow } from './archive-schemas.js';

export const IMPORT_FORMATS = ['csv', 'ndjson'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** Problems that are told one by one; the rest is counted. */
const MAX_TOLD = 100;
const MAX_LINE = 64 * 1024;

/** What became of a file: its rows, and what was wrong with it, by line. */
export interface ImportSummary {
  rows: number;
  stored: number;
  replaced: number;
  measured: number;
  refused: number;
  /** The first 100 of what was refused. */
  problems: { line: number; problem: string }[];
}

type Line = { readonly line: number } & ({ readonly row: ImportRow } | { readonly problem: string });

/**
 * Imports a file as it comes, a bounded number of rows at a time. What was read before a failure is in history; the
 * whole file may be sent again.
 *
 *     CSV: a first line of names: address (or channel, kind, point), time, value, text?, quality?
 * An address may be one of a model's point, whose values are as the model sees them.
 *
 *     NDJSON: {"address": "1001:T:1", "time": 1750000000000, "value": 1.5, "quality": "good"}
 *
 * A time is ISO 8601 with an offset or Z, or ms since the Unix epoch.
 *
 * @throws `history.invalid_file` when it is no such file at all, and what `ArchiveClient.import` throws
 */
export async function importFile(
  archive: Pick<ArchiveClient, 'import'>,
  source: AsyncIterable<Uint8Array>,
  format: ImportFormat,
): Promise<ImportSummary> {
  const summary: ImportSummary = { rows: 0, stored: 0, replaced: 0, measured: 0, refused: 0, problems: [] };
  const refuse = (line: number, problem: string) => {
    summary.refused += 1;
    if (summary.problems.length < MAX_TOLD) summary.problems.push({ line, problem });
  };
  let batch: { line: number; row: ImportRow }[] = [];
  const send = async () => {
    if (batch.length === 0) return;
    const lines = batch;
    batch = [];
    const reply = await archive.import({ rows: lines.map(({ row }) => row) });
    summary.stored += reply.stored;
    summary.replaced += reply.replaced;
    summary.measured += reply.measured;
    for (const { row, problem } of reply.refused) refuse(lines[row]?.line ?? 0, problem);
  };
  for await (const line of format === 'csv' ? csvLines(source) : jsonLines(source)) {
    summary.rows += 1;
    if ('problem' in line) refuse(line.line, line.problem);
    else batch.push(line);
    if (batch.length === MAX_IMPORT_ROWS) await send();
  }
  await send();
  return summary;
}

type Fields = Record<string, unknown>;

async function* csvLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const skipped: Line[] = [];
  const parser = parse({
    bom: true,
    columns: (names: string[]) => checkedNames(names.map((name) => name.trim().toLowerCase())),
    info: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    max_record_size: MAX_LINE,
    on_skip: (error: CsvError | undefined) => {
      skipped.push({ line: Number(error?.lines ?? 0), problem: errorMessage(error) });
    },
  });
  const input = Readable.from(source, { objectMode: false });
  input.on('error', (error) => parser.destroy(error));
  input.pipe(parser);
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: Fields; info: { lines: number } }>) {
      yield* skipped.splice(0);
      yield toLine(info.lines, record);
    }
    yield* skipped;
  } catch (cause) {
    if (cause instanceof StatewattError || !isCsvError(cause)) throw cause;
    throw invalidFile(`the CSV cannot be read: ${cause.message}`, cause);
  } finally {
    input.destroy();
  }
}

function isCsvError(thrown: unknown): thrown is CsvError {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('CSV_');
}

const ALIASES: Readonly<Record<string, string>> = {
  channel_id: 'channel',
  point_id: 'point',
  id: 'point',
  timestamp: 'time',
};
const KNOWN = ['address', 'channel', 'kind', 'point', 'time', 'value', 'text', 'quality'];

function checkedNames(names: readonly string[]): string[] {
  const found = names.map((name) => ALIASES[name] ?? name);
  const unknown = found.filter((name) => !KNOWN.includes(name));
  const named = found.includes('address') || (found.includes('channel') && found.includes('point'));
  if (unknown.length === 0 && named && found.includes('time') && found.includes('value')) return found;
  const text = names.map((name) => JSON.stringify(name.slice(0, 40))).join(', ');
  throw invalidFile(
    `the first line names ${text}; wanted: address (or channel, kind and point), time and value; allowed too: text, quality`,
  );
}

async function* jsonLines(source: AsyncIterable<Uint8Array>): AsyncGenerator<Line> {
  const decoder = new TextDecoder('utf-8');
  let rest = '';
  let line = 0;
  for await (const piece of source) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > MAX_LINE)
      throw invalidFile(`line ${line + lines.length + 1} is longer than ${MAX_LINE} characters`);
    for (const text of lines) {
      line += 1;
      if (text.trim() !== '') yield jsonLine(line, text);
    }
  }
  rest += decoder.decode();
  if (rest.trim() !== '') yield jsonLine(line + 1, rest);
}

function jsonLine(line: number, text: string): Line {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch (error) {
    return { line, problem: errorMessage(error) };
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields))
    return { line, problem: 'it is no JSON object' };
  const renamed = Object.entries(fields).map(([name, value]) => [ALIASES[name] ?? name, value] as const);
  const unknown = renamed.find(([name]) => !KNOWN.includes(name));
  if (unknown !== undefined)
    return { line, problem: `${JSON.stringify(unknown[0].slice(0, 40))} is none of ${KNOWN.join(', ')}` };
  return toLine(line, Object.fromEntries(renamed));
}

function toLine(line: number, fields: Fields): Line {
  const point = toPoint(fields);
  if (typeof point === 'string') return { line, problem: point };
  const time = toTime(fields.time);
  if (time === undefined) {
    return {
      line,
      problem: `time is ${show(fields.time)}; allowed: ISO 8601 with an offset or Z, or ms since the Unix epoch`,
    };
  }
  const quality = fields.quality === undefined || fields.quality === '' ? undefined : fields.quality;
  if (quality !== undefined && !QUALITIES.includes(quality as Quality)) {
    return { line, problem: `quality is ${show(quality)}; allowed: ${QUALITIES.join(', ')}` };
  }
  const value = toValue(fields);
  if (value === undefined)
    return { line, problem: `value is ${show(fields.value)}; allowed: a finite number, a text, or nothing` };
  return { line, row: { ...point, time, value, ...(quality === undefined ? {} : { quality: quality as Quality }) } };
}

function toPoint({ address, channel, kind = 'T', point }: Fields): AnyPoint | string {
  const text = address === undefined ? `${asText(channel)}:${asText(kind)}:${asText(point)}` : asText(address);
  return parseAddress(text) ?? `${JSON.stringify(text.slice(0, 60))} is no point; allowed: ${ALLOWED_ADDRESSES}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
}

const ISO = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/;

function toTime(value: unknown): number | undefined {
  const text = asText(value);
  const time = /^\d{1,15}$/.test(text) ? Number(text) : ISO.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN;
  return Number.isFinite(time) ? Math.round(time) : undefined;
}

/** A column of texts wins; what reads as a number is one. */
function toValue({ value, text }: Fields): number | string | null | undefined {
  if (typeof text === 'string' && text !== '') return text;
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string') return undefined;
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(value.trim())) {
    const number = Number(value);
    return Number.isFinite(number) ? number : undefined;
  }
  return value;
}

function show(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 60);
}

function invalidFile(message: string, cause?: unknown): StatewattError {
  return new StatewattError('history.invalid_file', 'invalid', message, cause === undefined ? {} : { cause });
}
