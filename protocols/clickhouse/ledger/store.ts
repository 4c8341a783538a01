import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import type { LedgerFilter, LedgerRow } from '../../../site/minting/ledger.js';
import { historyError } from '../errors.js';
import { oneBlock } from '../insert.js';
import { queryAccounts, type AccountRow, type AccountsQuery } from './accounts.js';
import {
  exportLedger,
  queryLast,
  queryMinted,
  queryPage,
  queryReadings,
  querySums,
  type LedgerPageQuery,
  type LedgerRows,
  type LedgerSum,
} from './query.js';
import { INCOMING, LEDGER_COLUMNS, prepareLedger, PROGRESS } from './schema.js';

/** A reading's row with what it is as of: of two rows of a reading the one of the higher version counts. */
export interface VersionedRow extends LedgerRow {
  readonly version: number;
}

/** How far the journal has been read into the ledger. */
export interface LedgerProgress {
  /** When the journal's stream was made: another one of the same name begins anew. */
  readonly stream: string;
  /** What is added to a sequence of the stream to give a version. */
  readonly base: number;
  /** Sequences of the stream up to which the meters' and the batches' entries are in the ledger. */
  readonly meters: number;
  readonly batches: number;
  /** Rises with each time that it is saved. */
  readonly written: number;
}

const REQUEST_TIMEOUT_MS = 60_000;
const NAME = 'journal';

/**
 * Readings and what became of them, in any ClickHouse (24.8 or newer). Writing the same rows again changes nothing, in
 * whatever order: so it is enough that each is written at least once.
 *
 * All throw `history.unavailable` and `history.failed`.
 */
export class LedgerStore {
  readonly #client: ClickHouseClient;

  /** @param url `http://host:port`, with credentials if any; @param database it has to be there */
  constructor({ url, database = 'statewatt' }: { url: string; database?: string }) {
    this.#client = createClient({
      ...{ url, database, request_timeout: REQUEST_TIMEOUT_MS, log: { level: ClickHouseLogLevel.OFF } },
      compression: { request: false, response: false },
    });
  }

  prepare(): Promise<void> {
    return this.#try(prepareLedger(this.#client));
  }

  /** undefined: nothing has been read. */
  progress(): Promise<LedgerProgress | undefined> {
    return this.#try(this.#progress());
  }

  /** Writes rows, then how far they go. */
  append(rows: readonly VersionedRow[], progress: LedgerProgress): Promise<void> {
    return this.#try(this.#append(rows, progress));
  }

  page(query: LedgerPageQuery): Promise<LedgerRows> {
    return this.#try(queryPage(this.#client, query));
  }

  readings(meter: string, sequences: readonly number[]): Promise<LedgerRow[]> {
    return this.#try(queryReadings(this.#client, meter, sequences));
  }

  last(meter: string): Promise<number | undefined> {
    return this.#try(queryLast(this.#client, meter));
  }

  sums(filter: LedgerFilter): Promise<LedgerSum[]> {
    return this.#try(querySums(this.#client, filter));
  }

  accounts(query: AccountsQuery): Promise<{ rows: AccountRow[]; nextCursor: string | null }> {
    return this.#try(queryAccounts(this.#client, query));
  }

  minted(): Promise<Map<string, bigint>> {
    return this.#try(queryMinted(this.#client));
  }

  async *export(filter: LedgerFilter, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    try {
      yield* exportLedger(this.#client, filter, signal);
    } catch (error) {
      throw historyError(error);
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #progress(): Promise<LedgerProgress | undefined> {
    const result = await this.#client.query({
      query: `SELECT stream, base, meters, batches, written FROM ${PROGRESS} WHERE name = {name:String}
        ORDER BY written DESC LIMIT 1`,
      query_params: { name: NAME },
      format: 'JSONEachRow',
    });
    const [row] = await result.json<Record<keyof LedgerProgress, string>>();
    if (row === undefined) return undefined;
    const { stream, base, meters, batches, written } = row;
    return {
      stream,
      ...{ base: Number(base), meters: Number(meters), batches: Number(batches), written: Number(written) },
    };
  }

  async #append(rows: readonly VersionedRow[], progress: LedgerProgress): Promise<void> {
    if (rows.length > 0) {
      await this.#client.insert({
        table: INCOMING,
        values: rows.map((row) => LEDGER_COLUMNS.map(([name]) => row[name as keyof VersionedRow])),
        format: 'JSONCompactEachRow',
        clickhouse_settings: oneBlock(rows.length),
      });
    }
    await this.#client.insert({ table: PROGRESS, values: [{ name: NAME, ...progress }], format: 'JSONEachRow' });
  }

  async #try<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw historyError(error);
    }
  }
}
