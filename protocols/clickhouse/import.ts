import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import type { HistoryConfig } from '../../site/model.js';
import { pointKey, QUALITIES } from '../../site/points.js';
import { historyError } from './errors.js';
import { DONE, measured, refreshStatements, STAGING } from './imported.js';
import { insertRows, oneBlock } from './insert.js';
import { digestOf, encodeRows } from './row-binary.js';
import { RAW_COLUMNS, summarySelect } from './schema.js';
import type { ImportedRow, ImportResult, SequencedFrame } from './types.js';

const COLUMNS = RAW_COLUMNS.map(([name]) => name).join(', ');
const REFRESH = refreshStatements(summarySelect);

interface Batch {
  readonly batch: string;
  readonly oldest: number;
  readonly newest: number;
  readonly rows: number;
}

/**
 * Takes values that others have measured, or that come late, beside those of the site's own frames: once for each
 * point and time, however often they are brought. What was imported before is replaced, what history has measured
 * itself stays.
 *
 * A batch is first staged, in one part; from then on it will be completed, by this call or by the next after a crash.
 * Every further step may be cut off anywhere and repeated: rows replace their like, and intervals are computed anew.
 */
export class Importer {
  readonly #client: ClickHouseClient;
  #version = 0;
  /** No batch of a former run, or of a failure, is left. */
  #clean = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(client: ClickHouseClient) {
    this.#client = client;
  }

  /** Completes what a former run has left. */
  recover(config: HistoryConfig): Promise<void> {
    return this.#inTurn(() => this.#recover(config));
  }

  import(rows: readonly ImportedRow[], config: HistoryConfig): Promise<ImportResult> {
    if (rows.length === 0) return Promise.resolve({ rows: 0, stored: 0, replaced: 0, measured: 0 });
    return this.#inTurn(async () => {
      await this.#recover(config);
      this.#clean = false;
      const staged = await this.#stage(newest(rows));
      const found = await this.#complete(staged, config, rows.length);
      this.#clean = true;
      return found;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work).catch((error: unknown) => {
      throw historyError(error);
    });
    this.#tail = result.catch(() => undefined); // Its caller gets the error.
    return result;
  }

  async #recover(config: HistoryConfig): Promise<void> {
    if (this.#clean) return;
    const result = await this.#client.query({
      query: `SELECT batch, toUnixTimestamp64Milli(min(time)) AS oldest, toUnixTimestamp64Milli(max(time)) AS newest,
        count() AS rows
        FROM ${STAGING} WHERE batch NOT IN (SELECT batch FROM ${DONE}) GROUP BY batch ORDER BY max(sequence)`,
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 1 },
    });
    for (const left of await result.json<Record<keyof Batch, string>>()) {
      const [oldest, latest, rows] = [Number(left.oldest), Number(left.newest), Number(left.rows)];
      await this.#complete({ batch: left.batch, oldest, newest: latest, rows }, config, rows);
    }
    this.#clean = true;
  }

  async #stage(rows: readonly ImportedRow[]): Promise<Batch> {
    this.#version = Math.max(this.#version + 1, Date.now());
    const digest = digestOf(randomUUID());
    let [oldest, latest] = [Infinity, -Infinity];
    for (const { time } of rows) {
      if (time < oldest) oldest = time;
      if (time > latest) latest = time;
    }
    const { bytes } = encodeRows(
      rows.map((row) => toFrame(row, this.#version)),
      digest,
    );
    await insertRows(this.#client, `${STAGING} (${COLUMNS})`, bytes, rows.length);
    return { batch: digest.text, oldest, newest: latest, rows: rows.length };
  }

  async #complete(
    { batch, oldest, newest: latest, rows }: Batch,
    config: HistoryConfig,
    given: number,
  ): Promise<ImportResult> {
    const params = { batch, oldest, newest: latest };
    const known = measured(config, Date.now(), oldest);
    const result = await this.#client.query({
      query: `SELECT countIf(${known}) AS measured, countIf((channel, kind, point, time) IN (
          SELECT channel, kind, point, time FROM imported WHERE (channel, kind, point, time) IN (
            SELECT channel, kind, point, time FROM ${STAGING} WHERE batch = {batch:UInt64}))) AS replaced
        FROM ${STAGING} WHERE batch = {batch:UInt64}`,
      query_params: params,
      format: 'JSONEachRow',
    });
    const [found] = await result.json<{ measured: string; replaced: string }>();
    const settings = oneBlock(rows);
    const run = (query: string) => this.#client.command({ query, query_params: params, clickhouse_settings: settings });
    await run(`INSERT INTO imported (${COLUMNS})
      SELECT ${COLUMNS} FROM ${STAGING} WHERE batch = {batch:UInt64} AND NOT (${known})`);
    for (const query of REFRESH) await run(query);
    await run(`INSERT INTO ${DONE} (batch) SELECT {batch:UInt64}`);
    const measuredRows = Number(found?.measured);
    return {
      rows: given,
      stored: rows - measuredRows,
      replaced: given - rows + Number(found?.replaced),
      measured: measuredRows,
    };
  }
}

/** Of rows of the same point and time, the last one. */
function newest(rows: readonly ImportedRow[]): ImportedRow[] {
  return [...new Map(rows.map((row) => [`${row.channel}:${row.kind}:${row.id}:${row.time}`, row])).values()];
}

function toFrame({ channel, kind, id, time, value, quality }: ImportedRow, version: number): SequencedFrame {
  return {
    streamSequence: version,
    frame: {
      channel,
      epoch: 0,
      seq: 0,
      time,
      keys: Uint32Array.of(pointKey(kind, id)),
      values: Float64Array.of(typeof value === 'number' ? value : NaN),
      quality: Uint8Array.of(QUALITIES.indexOf(quality)),
      ...(typeof value === 'string' ? { texts: new Map([[0, value]]) } : {}),
    },
  };
}
