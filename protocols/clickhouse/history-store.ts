import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';
import { StatewattError } from '../../errors/error.js';
import type { HistoryConfig } from '../../site/model.js';
import { historyError } from './errors.js';
import { exportHistory } from './export.js';
import { Importer } from './import.js';
import { queryHistory } from './query.js';
import { setRetention } from './retention.js';
import { querySeries } from './series.js';
import { prepareSchema } from './schema.js';
import type {
  ExportQuery,
  HistoryBatch,
  HistoryHealth,
  HistoryPage,
  HistoryQuery,
  HistoryStore,
  ImportedRow,
  ImportResult,
  SeriesPage,
  SeriesQuery,
} from './types.js';
import { BatchWriter } from './writer.js';

export interface HistoryStoreOptions {
  /** `http://host:port`, with credentials if any. */
  url: string;
  username?: string;
  password?: string;
  /** Created when missing. Default `statewatt`. */
  database?: string;
  /** Sync every part to the disk before its batch counts as inserted: survives a power cut. */
  strict?: boolean;
}

/** The history in any ClickHouse (24.8 or newer), the embedded engine or a server. */
export function createHistoryStore(options: HistoryStoreOptions): HistoryStore {
  return new ClickHouseStore(options);
}

/** A statement may wait for disks and merges; a dead server is noticed by its connection. */
const REQUEST_TIMEOUT_MS = 300_000;
const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,62}$/;

class ClickHouseStore implements HistoryStore {
  readonly #client: ClickHouseClient;
  readonly #writer: BatchWriter;
  readonly #importer: Importer;
  readonly #options: HistoryStoreOptions;
  readonly #database: string;
  #config: HistoryConfig | undefined;

  constructor(options: HistoryStoreOptions) {
    this.#options = options;
    this.#database = options.database ?? 'statewatt';
    if (!NAME.test(this.#database)) {
      throw new StatewattError(
        'history.invalid_database',
        'invalid',
        `${JSON.stringify(this.#database)} is no database name; letters, digits and _ are allowed`,
      );
    }
    this.#client = this.#connect(this.#database);
    this.#writer = new BatchWriter(this.#client);
    this.#importer = new Importer(this.#client);
  }

  async prepare(config: HistoryConfig): Promise<void> {
    const server = this.#connect('default');
    try {
      await server.command({ query: `CREATE DATABASE IF NOT EXISTS ${this.#database}` });
      await prepareSchema(this.#client, config, this.#options.strict ?? false);
    } catch (error) {
      throw historyError(error);
    } finally {
      await server.close();
    }
    this.#config = config;
    await this.#importer.recover(config);
  }

  async keep(config: HistoryConfig): Promise<void> {
    try {
      await setRetention(this.#client, config, Date.now());
    } catch (error) {
      throw historyError(error);
    }
    this.#config = config;
  }

  async import(rows: readonly ImportedRow[]): Promise<ImportResult> {
    if (this.#config === undefined) {
      throw new StatewattError('history.unavailable', 'unavailable', 'the history is not prepared yet');
    }
    return this.#importer.import(rows, this.#config);
  }

  insert(batch: HistoryBatch): Promise<{ rows: number }> {
    return this.#writer.insert(batch);
  }

  async query(query: HistoryQuery): Promise<HistoryPage> {
    try {
      return await queryHistory(this.#client, query, this.#config, Date.now());
    } catch (error) {
      throw historyError(error);
    }
  }

  async series(query: SeriesQuery): Promise<SeriesPage> {
    try {
      return await querySeries(this.#client, query, Date.now());
    } catch (error) {
      throw historyError(error);
    }
  }

  export(query: ExportQuery, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return exportHistory(this.#client, query, signal);
  }

  async health(): Promise<HistoryHealth> {
    try {
      const result = await this.#client.query({
        query: `SELECT version() AS version, count() AS parts, sum(rows) AS rows, sum(bytes_on_disk) AS bytes
          FROM system.parts WHERE active AND database = {database:String}`,
        query_params: { database: this.#database },
        format: 'JSONEachRow',
      });
      const [row] = await result.json<{ version: string; parts: string; rows: string; bytes: string }>();
      const facts = {
        version: row?.version ?? '',
        parts: Number(row?.parts),
        rows: Number(row?.rows),
        bytes: Number(row?.bytes),
      };
      return { status: 'up', detail: `ClickHouse ${facts.version}`, facts };
    } catch (error) {
      return { status: 'down', detail: historyError(error).message };
    }
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #connect(database: string): ClickHouseClient {
    const { url, username, password } = this.#options;
    return createClient({
      url,
      database,
      request_timeout: REQUEST_TIMEOUT_MS,
      // Failures are thrown, with their causes; a second report on the console says nothing more.
      log: { level: ClickHouseLogLevel.OFF },
      compression: { request: false, response: false },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
    });
  }
}
