import type { ClickHouseClient } from '@clickhouse/client';
import { StatewattError, errorMessage } from '../../errors/error.js';
import { isTransient } from '../../protocols/clickhouse/errors.js';
import { oneBlock } from '../../protocols/clickhouse/insert.js';
import { durable, EffectRefused, type DurableEffect, type EffectPolicy } from '../runtime/outbox/effect.js';

/** Of `clickhouseSink`. */
export interface ClickHouseSinkOptions<Params> {
  /** Of `@clickhouse/client`. */
  readonly client: Pick<ClickHouseClient, 'insert' | 'query'>;
  /** `table`, or `database.table`. */
  readonly table: string;
  /** The rows of one effect, as objects of column and value (JSONEachRow). None: nothing is inserted. */
  readonly rows: (params: Params) => readonly Readonly<Record<string, unknown>>[];
  readonly policy?: Partial<EffectPolicy>;
}

/**
 * A durable effect that inserts rows into ClickHouse once: one block, with the effect's key as its
 * `insert_deduplication_token`. The table must keep tokens: a Replicated engine, or a MergeTree with
 * `non_replicated_deduplication_window` above 0; otherwise the effect is refused. The window counts inserts, so take it
 * larger than what comes while one effect may be repeated.
 *
 *     effects: { record: clickhouseSink({ client, table: 'energy.meters', rows: ({ id, kwh }: Reading) => [{ id, kwh }] }) }
 */
export function clickhouseSink<Params>(options: ClickHouseSinkOptions<Params>): DurableEffect<Params> {
  const { client, table, rows, policy } = options;
  let keepsTokens = false;
  return durable<Params>(async ({ params, key, signal }) => {
    const values = rows(params);
    if (values.length === 0) return;
    try {
      keepsTokens ||= await deduplicates(client, table, signal);
      if (!keepsTokens) {
        throw new EffectRefused(
          `${table} would not know a repeated insert; it needs a Replicated engine or non_replicated_deduplication_window above 0`,
        );
      }
      await client.insert({
        table,
        values,
        format: 'JSONEachRow',
        abort_signal: signal,
        clickhouse_settings: {
          ...oneBlock(values.length),
          insert_deduplicate: 1,
          insert_deduplication_token: key,
          input_format_skip_unknown_fields: 0, // A field without a column would be dropped in silence.
        },
      });
    } catch (cause) {
      if (cause instanceof EffectRefused) throw cause;
      const text = `ClickHouse: ${errorMessage(cause)}`;
      if (!isTransient(cause)) throw new EffectRefused(text);
      throw new StatewattError('effects.clickhouse', 'unavailable', text, { cause });
    }
  }, policy);
}

async function deduplicates(
  client: Pick<ClickHouseClient, 'query'>,
  table: string,
  abort_signal: AbortSignal,
): Promise<boolean> {
  const result = await client.query({
    query: `SELECT engine, engine_full FROM system.tables
      WHERE name = splitByChar('.', {table: String})[-1]
        AND database = if(position({table: String}, '.') = 0, currentDatabase(), splitByChar('.', {table: String})[1])`,
    query_params: { table },
    format: 'JSONEachRow',
    abort_signal,
  });
  const [found] = await result.json<{ engine: string; engine_full: string }>();
  if (found === undefined) throw new EffectRefused(`there is no table ${table}`);
  const [, window = '0'] = /non_replicated_deduplication_window\s*=\s*(\d+)/.exec(found.engine_full) ?? [];
  return /^(Replicated|Shared)/.test(found.engine) || Number(window) > 0;
}
