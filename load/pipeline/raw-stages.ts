import { connect } from 'node:net';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { StorageType } from '@nats-io/jetstream';
import { connectBus } from '../../bus/connection.js';
import { encodeFrame } from '../../bus/frame-codec.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { startEmbeddedEngine } from '../../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../../protocols/clickhouse/history-store.js';
import { insertRows } from '../../protocols/clickhouse/insert.js';
import { digestOf, encodeRows } from '../../protocols/clickhouse/row-binary.js';
import { RAW_COLUMNS } from '../../protocols/clickhouse/schema.js';
import { pointKey, type Frame } from '../../site/points.js';
import { movingDevices, startSimulator } from '../support/simulator.js';

const POINTS = 100;

/** The most that each stage can do alone on this machine, by the plainest means: points per second. */
export interface RawLimits {
  readonly modbus: number;
  readonly jetstream: number;
  readonly insert: number;
  /** The insert as history has it, with its rollups; not one of the raw stages, but what the store itself can do. */
  readonly history: number;
}

export async function measureRawStages(folder: string, seconds: number): Promise<RawLimits> {
  return {
    modbus: await rawModbus(seconds),
    jetstream: await rawPublish(join(folder, 'nats'), seconds),
    insert: await rawInsert(join(folder, 'history'), seconds),
    history: await historyInsert(join(folder, 'rollups'), seconds),
  };
}

/** Bare sockets that ask 8 devices for 100 registers, 16 requests under way each; answers are counted by length. */
async function rawModbus(seconds: number): Promise<number> {
  const simulator = await startSimulator(movingDevices(8));
  const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, POINTS]);
  const answerBytes = 9 + 2 * POINTS;
  let bytes = 0;
  const sockets = simulator.ports.map((port) => {
    const socket = connect(port, '127.0.0.1');
    let pending = 0;
    socket.on('connect', () => socket.write(Buffer.concat(Array.from({ length: 16 }, () => request))));
    socket.on('data', (data) => {
      bytes += data.length;
      pending += data.length;
      const answered = Math.floor(pending / answerBytes);
      pending -= answered * answerBytes;
      if (answered > 0) socket.write(Buffer.concat(Array.from({ length: answered }, () => request)));
    });
    return socket;
  });
  const rate = await measure(seconds, () => bytes);
  for (const socket of sockets) socket.destroy();
  await simulator.stop();
  return (rate / answerBytes) * POINTS;
}

/** Frames into a plain file stream, 256 publishes under way. */
async function rawPublish(folder: string, seconds: number): Promise<number> {
  const server = await startEmbeddedServer({ dataFolder: folder, port: 0 });
  const bus = await connectBus({ servers: [server.url], name: 'raw publish', ensureStreams: false });
  await bus.manager.streams.add({ name: 'RAW', subjects: ['raw.*'], storage: StorageType.File });
  const bytes = encodeFrame(frameOf(1));
  let published = 0;
  let going = true;
  const publishers = Array.from({ length: 256 }, async (_, index) => {
    while (going) {
      await bus.jetstream.publish(`raw.${index}`, bytes);
      published += 1;
    }
  });
  const rate = await measure(seconds, () => published);
  going = false;
  await Promise.all(publishers);
  await bus.close();
  await server.stop();
  return rate * POINTS;
}

/** The same rows as history has, in batches of 100,000, into a plain table without rollups. */
async function rawInsert(folder: string, seconds: number): Promise<number> {
  const engine = await startEmbeddedEngine({ dataFolder: folder });
  const client = createClient({ url: engine.url });
  const columns = RAW_COLUMNS.map(([name, type, codec]) => `${name} ${type} CODEC(${codec})`).join(', ');
  await client.command({
    query: `CREATE TABLE raw (${columns}) ENGINE = MergeTree ORDER BY (channel, kind, point, time)`,
  });
  const frames = Array.from({ length: 1_000 }, (_, index) => ({ streamSequence: index, frame: frameOf(index) }));
  let rows = 0;
  let going = true;
  const inserter = (async () => {
    while (going) {
      const encoded = encodeRows(frames, digestOf(String(rows)));
      await insertRows(client, 'raw', encoded.bytes, encoded.rows);
      rows += encoded.rows;
    }
  })();
  const rate = await measure(seconds, () => rows);
  going = false;
  await inserter;
  await client.close();
  await engine.stop();
  return rate;
}

/** The history store alone, a batch of 4 cycles of 1,000 channels at a time. */
async function historyInsert(folder: string, seconds: number): Promise<number> {
  const engine = await startEmbeddedEngine({ dataFolder: folder });
  const store = createHistoryStore({ url: engine.url });
  await store.prepare({ rawDays: 1, minuteDays: 1, hourDays: 1, dayDays: 1 });
  let rows = 0;
  let going = true;
  const inserter = (async () => {
    for (let batch = 1; going; batch++) {
      const frames = Array.from({ length: 4_000 }, (_, index) => ({
        streamSequence: batch * 4_000 + index,
        frame: { ...frameOf(index % 1_000), seq: batch * 4 + Math.floor(index / 1_000) },
      }));
      rows += (await store.insert({ token: String(batch), frames })).rows;
    }
  })();
  const rate = await measure(seconds, () => rows);
  going = false;
  await inserter;
  await store.close();
  await engine.stop();
  return rate;
}

function frameOf(channel: number): Frame {
  return {
    channel,
    epoch: 1,
    seq: 1,
    time: Date.now(),
    keys: Uint32Array.from({ length: POINTS }, (_, index) => pointKey('T', index + 1)),
    values: Float64Array.from({ length: POINTS }, () => Math.round(Math.random() * 10_000) / 10),
    quality: new Uint8Array(POINTS),
  };
}

/** Rate per second of a counter, after half a second of warming up. */
async function measure(seconds: number, read: () => number): Promise<number> {
  await pause(500);
  const [from, at] = [read(), performance.now()];
  await pause(seconds * 1_000);
  return (read() - from) / ((performance.now() - at) / 1_000);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
