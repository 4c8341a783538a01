import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { Readable } from 'node:stream';
import { createClient } from '@clickhouse/client';
import { startEmbeddedEngine } from '../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../protocols/clickhouse/history-store.js';
import { insertRows, oneBlock } from '../protocols/clickhouse/insert.js';
import { digestOf, encodeRows } from '../protocols/clickhouse/row-binary.js';
import type { SequencedFrame } from '../protocols/clickhouse/types.js';
import { keyId, keyKind, pointKey, QUALITIES } from '../site/points.js';

/**
 * The raw limit of the history stage: rows/s into the embedded engine, by format, with and without rollups.
 *
 *     node dist/load/insert.js [rows a batch] [cycles a batch] [batches]
 */
const [rowsPerBatch = 100_000, cycles = 5, batches = 10] = process.argv.slice(2).map(Number);
const POINTS = 50;

function batch(index: number): SequencedFrame[] {
  const start = Math.floor(Date.now() / 86_400_000) * 86_400_000 + index * cycles * 1_000;
  const channels = Math.round(rowsPerBatch / cycles / POINTS);
  const keys = Uint32Array.from({ length: POINTS }, (_, point) => pointKey('T', point + 1));
  const frames: SequencedFrame[] = [];
  for (let cycle = 0; cycle < cycles; cycle++) {
    for (let channel = 1; channel <= channels; channel++) {
      frames.push({
        streamSequence: index * cycles * channels + frames.length + 1,
        frame: {
          channel,
          epoch: 1,
          seq: index * cycles + cycle,
          time: start + cycle * 1_000,
          keys,
          values: Float64Array.from(keys, (key) => 230 + Math.sin((index * cycles + cycle) / 60 + key) * 5),
          quality: new Uint8Array(POINTS),
        },
      });
    }
  }
  return frames;
}

function asJson(frames: readonly SequencedFrame[]): object[] {
  return frames.flatMap(({ frame, streamSequence }) =>
    Array.from(frame.keys, (key, index) => ({
      channel: frame.channel,
      kind: keyKind(key),
      point: keyId(key),
      time: frame.time / 1_000,
      value: frame.values[index],
      quality: QUALITIES[frame.quality[index] as number],
      text: null,
      sequence: streamSequence,
      batch: 1,
    })),
  );
}

const folder = await mkdtemp(join(tmpdir(), 'statewatt-insert-'));
const engine = await startEmbeddedEngine({ dataFolder: folder });
const pid = execFileSync('pgrep', ['-f', `^[^ ]*node .*--data-folder ${folder}`])
  .toString()
  .trim();
const config = { rawDays: 30, minuteDays: 90, hourDays: 730, dayDays: 3650 };
const all = Array.from({ length: batches }, (_, index) => batch(index));
const rows = all.reduce((sum, frames) => sum + frames.reduce((count, { frame }) => count + frame.keys.length, 0), 0);

/** Seconds of CPU that the engine has used. */
async function engineCpu(): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function measure(name: string, insert: (frames: SequencedFrame[], index: number) => Promise<void>) {
  const cpu = await engineCpu();
  const ownCpu = process.cpuUsage();
  const begun = performance.now();
  for (const [index, frames] of all.entries()) await insert(frames, index);
  const seconds = (performance.now() - begun) / 1_000;
  const own = process.cpuUsage(ownCpu);
  const memory = /VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  console.log(
    `${name.padEnd(34)} ${Math.round(rows / seconds)} rows/s; CPU µs/row: engine ${((((await engineCpu()) - cpu) / rows) * 1e6).toFixed(2)}, here ${((own.user + own.system) / rows).toFixed(2)}; engine ${Math.round(Number(memory) / 1024)} MB`,
  );
}

try {
  console.log(`${batches} batches of ${rows / batches} rows, ${cycles} cycles each`);
  await measure('encoding only', (frames) => {
    encodeRows(frames, digestOf('x'));
    return Promise.resolve();
  });
  const store = createHistoryStore({ url: engine.url, database: 'rollups' });
  await store.prepare(config);
  await measure(
    'store, raw and rollups',
    async (frames, index) => void (await store.insert({ token: `${index}`, frames })),
  );
  const from = all[0]?.[0]?.frame.time ?? 0;
  for (const resolution of ['raw', '1m', 'auto'] as const) {
    const begun = performance.now();
    const page = await store.query({
      channel: 3,
      kind: 'T',
      id: 7,
      from,
      to: from + 86_400_000,
      resolution,
      limit: 10_000,
    });
    console.log(
      `a day of one point, ${resolution}: ${page.rows.length} rows in ${(performance.now() - begun).toFixed(1)} ms`,
    );
  }
  await store.close();
  for (const [name, views] of [
    ['rollups', true],
    ['raw_only', false],
  ] as const) {
    const rawStore = createHistoryStore({ url: engine.url, database: `${name}_formats` });
    await rawStore.prepare(config);
    const client = createClient({ url: engine.url, database: `${name}_formats` });
    const table = views ? 'incoming' : 'raw';
    await measure(`RowBinary, ${name}`, async (frames, index) => {
      const encoded = encodeRows(frames, digestOf(`${index}`));
      await insertRows(client, table, encoded.bytes, encoded.rows);
    });
    await measure(`JSONEachRow, ${name}`, async (frames) => {
      const values = asJson(frames);
      await client.insert({
        table,
        values: Readable.from(values),
        format: 'JSONEachRow',
        clickhouse_settings: oneBlock(values.length),
      });
    });
    await client.close();
    await rawStore.close();
  }
} finally {
  await engine.stop();
  await rm(folder, { recursive: true, force: true });
}
