import { randomBytes } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { GOOD, keyId, keyKind, type PointKind } from '../../site/points.js';
import { sourceTime, type BatchDigest } from './row-binary.js';
import { rollupSelect } from './schema.js';
import { RAW_TIER, TIERS, type Tier } from './tiers.js';
import type { HistoryBatch } from './types.js';
import { insertRows, oneBlock } from './insert.js';

/** One row that a batch writes to one partition of a tier; it is there exactly when the whole part is. */
export interface Witness {
  readonly tier: Tier;
  readonly partition: number;
  readonly channel: number;
  readonly kind: PointKind;
  readonly point: number;
  /** Raw: source time; rollup: start of the interval. Ms since the Unix epoch. */
  readonly time: number;
}

/** A part that was not there. */
interface Missing extends Witness {
  /** How many values the witness counted then, of other batches; 0 for raw. */
  readonly counted: string;
}

/** One witness for each partition of each tier that the batch writes to. */
export function witnesses(batch: HistoryBatch): Witness[] {
  const found = new Map<string, Witness>();
  for (const { frame } of batch.frames) {
    for (let index = 0; index < frame.keys.length; index++) {
      const time = sourceTime(frame.time, frame.ages, index);
      const rollsUp =
        frame.quality[index] === GOOD && frame.texts?.has(index) !== true && Number.isFinite(frame.values[index]);
      const key = frame.keys[index] as number;
      for (const tier of TIERS) {
        if (tier !== RAW_TIER && !rollsUp) continue;
        const start = tier.intervalMs === 0 ? time : Math.floor(time / tier.intervalMs) * tier.intervalMs;
        const partition = tier.partitionOf(start);
        const name = `${tier.table}/${partition}`;
        if (found.has(name)) continue;
        found.set(name, {
          tier,
          partition,
          channel: frame.channel,
          kind: keyKind(key),
          point: keyId(key),
          time: start,
        });
      }
    }
  }
  return [...found.values()];
}

/** A staging table that a kill left behind is dropped by a later recovery. */
const LEFTOVER_S = 600;

/**
 * Looks which parts of a batch are there and writes those that are not. Every step may be cut off anywhere and the
 * whole repeated: a part is written in one block, so the next look finds it or does not.
 *
 * Two writers may be at the same batch, a former one that has not noticed yet and its successor. Each has a staging table of
 * its own, and the statement that writes a part looks once more: of two with the same id the engine refuses one, which
 * then begins anew. A rollup's row that counts something else by then says that the other was there meanwhile, though a
 * later batch of that one may be merged into it already.
 */
export async function completeBatch(
  client: ClickHouseClient,
  batch: HistoryBatch,
  digest: BatchDigest,
  { queryId, ...encoded }: { bytes: Buffer; rows: number; queryId: string },
): Promise<void> {
  const missing = await missingParts(client, batch, digest);
  if (missing.length === 0) return;
  await dropLeftovers(client, digest);
  const staging = `recovery_${digest.text}_${randomBytes(6).toString('hex')}`;
  await client.command({ query: `CREATE TABLE ${staging} AS incoming ENGINE = Memory` });
  try {
    await insertRows(client, staging, encoded.bytes, encoded.rows);
    for (const witness of missing) {
      const { tier, partition } = witness;
      const unchanged = `countIf(batch = {batch:UInt64}) = 0 AND ${countedIn(tier)} = {counted:UInt64}`;
      const condition = `${tier.partitionBy} = ${partition} AND (SELECT ${unchanged} FROM ${tier.table} WHERE ${ofWitness(tier)})`;
      const rows =
        tier === RAW_TIER ? `SELECT * FROM ${staging} WHERE ${condition}` : rollupSelect(tier, staging, condition);
      await client.command({
        query: `INSERT INTO ${tier.table} ${rows}`,
        query_id: queryId,
        query_params: { ...paramsOf(witness, digest), counted: witness.counted },
        clickhouse_settings: { ...oneBlock(encoded.rows), insert_deduplicate: 0 },
      });
    }
  } finally {
    await client.command({ query: `DROP TABLE IF EXISTS ${staging}` });
  }
}

async function dropLeftovers(client: ClickHouseClient, digest: BatchDigest): Promise<void> {
  const result = await client.query({
    query: `SELECT name FROM system.tables WHERE database = currentDatabase() AND (name = {own:String}
      OR startsWith(name, 'recovery_') AND metadata_modification_time < now() - {age:UInt32})`,
    query_params: { own: `recovery_${digest.text}`, age: LEFTOVER_S },
    format: 'JSONEachRow',
  });
  for (const { name } of await result.json<{ name: string }>()) {
    await client.command({ query: `DROP TABLE IF EXISTS ${name}` });
  }
}

/** Finds a witness, by `paramsOf`. */
function ofWitness(tier: Tier): string {
  const at =
    tier === RAW_TIER ? `fromUnixTimestamp64Milli({time:Int64}, 'UTC')` : `toDateTime({time:Int64} / 1000, 'UTC')`;
  return `channel = {channel:UInt32} AND kind = {kind:String} AND point = {point:UInt32} AND time = ${at}`;
}

/** Raw rows stay as they were written: their batch says all. */
function countedIn(tier: Tier): string {
  return tier === RAW_TIER ? '0' : 'sum(count)';
}

function paramsOf({ channel, kind, point, time }: Witness, digest: BatchDigest) {
  return { batch: digest.text, channel, kind, point, time };
}

async function missingParts(client: ClickHouseClient, batch: HistoryBatch, digest: BatchDigest): Promise<Missing[]> {
  const newest = batch.frames.reduce((most, { streamSequence }) => Math.max(most, streamSequence), 0);
  const missing: Missing[] = [];
  let rawIsThere = true;
  for (const witness of witnesses(batch)) {
    const { here, later, counted } = await look(client, witness, digest, newest);
    // A rollup row names only the last batch that was merged into it. A later one there says that this batch was
    // complete before, provided that its raw rows are there too.
    if (here || (later && rawIsThere && witness.tier !== RAW_TIER)) continue;
    if (witness.tier === RAW_TIER) rawIsThere = false;
    missing.push({ ...witness, counted });
  }
  return missing;
}

async function look(
  client: ClickHouseClient,
  witness: Witness,
  digest: BatchDigest,
  newest: number,
): Promise<{ here: boolean; later: boolean; counted: string }> {
  const { tier } = witness;
  const result = await client.query({
    query: `SELECT countIf(batch = {batch:UInt64}) > 0 AS here, countIf(sequence > {newest:UInt64}) > 0 AS later,
        toString(${countedIn(tier)}) AS counted
      FROM ${tier.table} WHERE ${ofWitness(tier)}`,
    query_params: { ...paramsOf(witness, digest), newest },
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ here: number; later: number; counted: string }>();
  return { here: row?.here === 1, later: row?.later === 1, counted: row?.counted ?? '0' };
}
