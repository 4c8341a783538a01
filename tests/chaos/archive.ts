import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { connectBus } from '../../bus/connection.js';
import { decodeFrame } from '../../bus/frame-codec.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { STREAM } from '../../bus/streams.js';
import { startEmbeddedEngine } from '../../protocols/clickhouse/engine/start.js';
import { keyId, keyKind, QUALITIES, type Frame } from '../../site/points.js';

/** How often each point is there, its facts as one text. */
type Points = Map<string, number>;
type PointsBySequence = Map<number, Points>;

const NONE: Points = new Map();

/** What the data folder of a stopped site holds. */
export interface Archive {
  /** Name and stream sequence of each frame, in the order of the stream. */
  readonly frames: readonly { readonly name: string; readonly sequence: number; readonly frame: Frame }[];
  readonly raw: PointsBySequence;
  /** Rollup intervals whose count is not that of a recount of raw. */
  readonly wrongRollups: readonly unknown[];
  readonly rollupPoints: number;
}

export async function openArchive(data: string): Promise<Archive> {
  const [frames, history] = await Promise.all([readFrames(join(data, 'nats')), readHistory(join(data, 'history'))]);
  return { frames, ...history };
}

async function readFrames(dataFolder: string): Promise<Archive['frames']> {
  const server = await startEmbeddedServer({ dataFolder, port: 0 });
  try {
    const bus = await connectBus({ servers: [server.url], name: 'archive', ensureStreams: false });
    const { state } = await bus.manager.streams.info(STREAM.frames);
    const found: { name: string; sequence: number; frame: Frame }[] = [];
    if (state.messages > 0) {
      const consumer = await bus.jetstream.consumers.get(STREAM.frames);
      for await (const message of await consumer.consume()) {
        const frame = decodeFrame(message.data);
        found.push({ name: `${frame.channel}/${frame.epoch}/${frame.seq}`, sequence: message.seq, frame });
        if (message.seq >= state.last_seq) break;
      }
    }
    assert.equal(found.length, state.messages);
    await bus.close();
    return found;
  } finally {
    await server.stop();
  }
}

async function readHistory(dataFolder: string): Promise<Omit<Archive, 'frames'>> {
  const engine = await startEmbeddedEngine({ dataFolder });
  const client = createClient({ url: engine.url, database: 'statewatt' });
  try {
    const ask = async <T>(query: string): Promise<T[]> =>
      (await client.query({ query, format: 'JSONCompactEachRow' })).json<T>();
    type RawRow = [
      sequence: string,
      channel: number,
      kind: string,
      point: number,
      time: string,
      value: string,
      quality: string,
    ];
    const rows = await ask<RawRow>(
      `SELECT sequence, channel, kind, point, toUnixTimestamp64Milli(time), toString(value), quality FROM raw`,
    );
    const raw: PointsBySequence = new Map();
    for (const [sequence, channel, kind, point, time, value, quality] of rows) {
      add(raw, Number(sequence), pointText(channel, kind, point, Number(time), Number(value), quality));
    }
    const wrongRollups: unknown[] = [];
    let rollupPoints = 0;
    for (const [table, bucket] of [
      ['rollup_1m', 'toStartOfMinute'],
      ['rollup_1h', 'toStartOfHour'],
      ['rollup_1d', 'toStartOfDay'],
    ]) {
      wrongRollups.push(
        ...(await ask<unknown>(`
          SELECT '${table}', channel, kind, point, at, sum(rolled) AS rolled, sum(recounted) AS recounted FROM (
            SELECT channel, kind, point, time AS at, count AS rolled, 0 AS recounted FROM ${table}
            UNION ALL
            SELECT channel, kind, point, toDateTime(${bucket}(time), 'UTC') AS at, 0 AS rolled, 1 AS recounted FROM raw
            WHERE quality = 'good' AND text IS NULL AND isFinite(value)
          ) GROUP BY channel, kind, point, at HAVING rolled != recounted`)),
      );
    }
    const [[total] = ['0']] = await ask<[string]>('SELECT sum(count) FROM rollup_1m');
    rollupPoints = Number(total);
    return { raw, wrongRollups, rollupPoints };
  } finally {
    await client.close();
    await engine.stop();
  }
}

/** What a frame's points are in history, however often. */
function pointsOf(frame: Frame): Points {
  const points: Points = new Map();
  for (let index = 0; index < frame.keys.length; index++) {
    const key = frame.keys[index] as number;
    const time = Math.round(frame.time - (frame.ages?.[index] ?? 0));
    const quality = QUALITIES[frame.quality[index] as number] ?? '';
    const text = pointText(frame.channel, keyKind(key), keyId(key), time, frame.values[index] as number, quality);
    points.set(text, (points.get(text) ?? 0) + 1);
  }
  return points;
}

function pointText(channel: number, kind: string, id: number, time: number, value: number, quality: string): string {
  return `${channel}:${kind}:${id} ${time} ${value} ${quality}`;
}

function add(to: PointsBySequence, sequence: number, text: string): void {
  let points = to.get(sequence);
  if (points === undefined) to.set(sequence, (points = new Map<string, number>()));
  points.set(text, (points.get(text) ?? 0) + 1);
}

/** Every frame of the stream is in history exactly once, history has nothing else, and the rollups count the same. */
export function assertExactlyOnce({ frames, raw, wrongRollups, rollupPoints }: Archive): void {
  const wrong: string[] = [];
  for (const { name, sequence, frame } of frames) {
    const want = pointsOf(frame);
    const found = raw.get(sequence) ?? NONE;
    for (const text of new Set<string>([...want.keys(), ...found.keys()])) {
      const [wanted, there] = [want.get(text) ?? 0, found.get(text) ?? 0];
      if (wanted !== there) wrong.push(`frame ${name} (sequence ${sequence}), ${text}: ${there} times, not ${wanted}`);
    }
  }
  const known = new Set(frames.map(({ sequence }) => sequence));
  for (const sequence of raw.keys()) if (!known.has(sequence)) wrong.push(`sequence ${sequence} is of no frame`);
  assert.equal(wrong.length, 0, `${wrong.length} points differ:\n${wrong.slice(0, 20).join('\n')}`);
  assert.deepEqual(wrongRollups, []);
  assert.ok(rollupPoints > 0, 'the rollups have counted');
}

/** Of what each activation of a channel has sent, nothing is missing before its last frame, and nothing is twice. */
export function assertNoGaps(frames: Archive['frames']): void {
  const names = new Set(frames.map(({ name }) => name));
  assert.equal(names.size, frames.length, 'a frame is in the stream twice');
  const epochs = new Map<string, { count: number; last: number }>();
  for (const { frame } of frames) {
    const key = `channel ${frame.channel}, epoch ${frame.epoch}`;
    const epoch = epochs.get(key) ?? { count: 0, last: 0 };
    epochs.set(key, { count: epoch.count + 1, last: Math.max(epoch.last, frame.seq) });
  }
  const gaps = [...epochs].filter(([, { count, last }]) => count !== last);
  assert.deepEqual(gaps, []);
}
