import type { ClickHouseClient } from '@clickhouse/client';
import { StatewattError } from '../../errors/error.js';
import { historyError, isSameIdRunning } from './errors.js';
import { digestOf, encodeRows, type BatchDigest } from './row-binary.js';
import { insertRows } from './insert.js';
import { completeBatch } from './recovery.js';
import type { HistoryBatch } from './types.js';

/** How many tokens are remembered so that a repeat in the same run costs nothing. */
const REMEMBERED = 1_000;
/** A batch that was announced so lately is written without a look for what is there of it. */
const FRESH_MS = 250;
/** How long a statement of a broken connection may go on at the server before the repeat gives up waiting. */
const LEFTOVER_MS = 60_000;

/**
 * Writes batches one after the other, each once in effect.
 *
 * A batch is one INSERT into a table without rows of its own, whose views write every tier; in each tier it is one
 * part a partition, and a part is there whole or not at all. After a failure, and for the first batch of a run,
 * nobody knows which of these parts came to be: then each is looked for, and only what is missing is written.
 */
export class BatchWriter {
  readonly #client: ClickHouseClient;
  readonly #done = new Map<string, number>();
  #certain = false;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(client: ClickHouseClient) {
    this.#client = client;
  }

  /** @throws `history.unavailable`, `history.failed`; the outcome is then unknown until the batch is repeated */
  insert(batch: HistoryBatch): Promise<{ rows: number }> {
    const result = this.#tail.then(() => this.#insert(batch));
    this.#tail = result.catch(() => undefined); // The caller of this batch gets the error; the next starts anew.
    return result;
  }

  async #insert(batch: HistoryBatch): Promise<{ rows: number }> {
    const known = this.#done.get(batch.token);
    if (known !== undefined) return { rows: known };
    const digest = digestOf(batch.token);
    const { bytes, rows } = encodeRows(batch.frames, digest);
    if (rows === 0) return { rows };
    try {
      await this.#write(batch, digest, bytes, rows);
    } catch (error) {
      this.#certain = false;
      throw historyError(error);
    }
    this.#certain = true;
    this.#remember(batch.token, rows);
    return { rows };
  }

  async #write(batch: HistoryBatch, digest: BatchDigest, bytes: Buffer, rows: number): Promise<void> {
    const queryId = `history-${digest.text}`;
    // One that was held up may have a successor, who has written the batch meanwhile.
    const isFresh = batch.announcedAt === undefined || performance.now() - batch.announcedAt < FRESH_MS;
    if (this.#certain && isFresh) {
      await insertRows(this.#client, 'incoming', bytes, rows, {
        queryId,
        settings: {
          insert_deduplicate: 1,
          insert_deduplication_token: batch.token,
          deduplicate_blocks_in_dependent_materialized_views: 1,
        },
      });
      return;
    }
    await this.#awaitLeftover(queryId);
    await completeBatch(this.#client, batch, digest, { bytes, rows, queryId });
  }

  /** An INSERT whose connection broke may still be running at the server, under its id. */
  async #awaitLeftover(queryId: string): Promise<void> {
    const end = Date.now() + LEFTOVER_MS;
    for (;;) {
      try {
        await this.#client.command({ query: 'SELECT 1 FORMAT Null', query_id: queryId });
        return;
      } catch (error) {
        if (!isSameIdRunning(error)) throw error;
        if (Date.now() > end) {
          throw new StatewattError(
            'history.unavailable',
            'unavailable',
            `the former INSERT ${queryId} is still running`,
            { cause: error, retryAfterMs: 1_000 },
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }

  #remember(token: string, rows: number): void {
    this.#done.set(token, rows);
    if (this.#done.size <= REMEMBERED) return;
    for (const oldest of this.#done.keys()) {
      this.#done.delete(oldest);
      return;
    }
  }
}
