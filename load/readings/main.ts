// Readings from signed submission to durable: `node dist/load/readings/main.js [--readings N] [--meters N] [--batch N]`.
// Beside it, in the same run: what node:crypto verifies on all cores when it does nothing else, and the pool alone.
import { once } from 'node:events';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { Reading } from '../../actors/client/metering.js';
import { createMeterKind } from '../../actors/meter.js';
import { LocalMetering } from '../../actors/meter/local-metering.js';
import { parseReading } from '../../actors/meter/reading-form.js';
import { createSystem } from '../../actors/runtime/system.js';
import { decodeBase58 } from '../../site/metering/base58.js';
import { TOKENIZATION_DEFAULTS } from '../../site/metering/tokenization.js';
import { SigningMeter } from '../../tests/support/signed-readings.js';
import { startNats } from '../../tests/support/nats.js';
import { figure } from '../support/figures.js';
import { WorkerPool } from '../../workers/pool.js';
import { verifyOnPool } from '../../workers/verify.js';

const { values: options } = parseArgs({
  options: {
    readings: { type: 'string', default: '40000' },
    meters: { type: 'string', default: '200' },
    batch: { type: 'string', default: '5000' },
  },
});
const batch = Number(options.batch);
/** Readings of each half of the meters: whole batches. */
const half = Math.ceil(Number(options.readings) / 2 / batch) * batch;
const count = 2 * half;
const WALLET = '5C4wSuGVU2J5qmM4gR1gM7YJQ2dEjKowZ3zLsjhZxKq9';
const MINUTE = 60_000;

const nats = await startNats({ strict: true });
const pool = new WorkerPool();
const bus = await nats.connect('load');
const kind = createMeterKind();
const system = createSystem({ bus, kinds: [kind], node: 'load' });
await system.start();
const metering = new LocalMetering({ bus, system, kind, pool, settings: () => TOKENIZATION_DEFAULTS });

const meters = Array.from(
  { length: 2 * Math.ceil(Number(options.meters) / 2) },
  (_, index) => new SigningMeter(`M${index}`, Date.now() - 6 * 24 * 60 * MINUTE),
);
for (const { id, publicKey } of meters) await metering.register({ id, publicKey, wallet: WALLET, user: 'load' });
const middle = meters.length / 2;
const readings: Reading[] = Array.from({ length: count }, (_, index) =>
  (meters[(index % middle) + (index < half ? 0 : middle)] as SigningMeter).next('0.1', {}, MINUTE),
);
const keys = new Map(meters.map(({ id, publicKey }) => [id, decodeBase58(publicKey, 32) as Uint8Array]));
const signed = readings.map((reading) => {
  const { signature, message } = parseReading(reading);
  return { publicKey: keys.get(reading.meter) as Uint8Array, signature, message };
});

const raw = await rawRate();
print('node:crypto verify, all cores', raw, raw);
const pooled = await rate(async (from) => void (await verifyOnPool(pool, signed.slice(from, from + batch))));
print('the pool alone', pooled, raw);
let accepted = 0;
const durable = await rate(async (from) => {
  const reply = await metering.submit(readings.slice(from, from + batch));
  accepted += reply.accepted;
});
print('submitted, verified, durable', durable, raw);
const beside = { what: 'node:crypto on all cores', value: raw };
figure({ what: 'signatures verified by the pool', value: pooled, unit: '/s', beside });
figure({ what: 'readings submitted, verified, durable', value: durable, unit: '/s', beside });
if (accepted !== count) throw new Error(`${accepted} of ${count} readings were accepted`);
const again = await rate(async (from) => void (await metering.submit(readings.slice(from, from + batch))));
print('all of them once more', again, raw);
process.stdout.write(
  `load average at the end: ${loadavg()
    .map((each) => each.toFixed(1))
    .join(' ')}\n`,
);

metering.stop();
await system.stop();
await bus.close();
await pool.close();
await nats.stop();

/** Items a second, two batches under way at once, each of other meters: those of one meter have to come in order. */
async function rate(work: (from: number) => Promise<void>): Promise<number> {
  const start = performance.now();
  const run = async (from: number): Promise<void> => {
    for (let at = from; at < from + half; at += batch) await work(at);
  };
  await Promise.all([run(0), run(half)]);
  return (count / (performance.now() - start)) * 1_000;
}

async function rawRate(): Promise<number> {
  const cores = availableParallelism();
  const size = Math.ceil(count / cores);
  const workers = Array.from(
    { length: cores },
    (_, index) =>
      new Worker(new URL('./raw-verify.js', import.meta.url), {
        workerData: signed.slice(index * size, (index + 1) * size),
      }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const start = performance.now();
  for (const worker of workers) worker.postMessage('go');
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const elapsed = performance.now() - start;
  await Promise.all(workers.map((worker) => worker.terminate()));
  return (count / elapsed) * 1_000;
}

function print(what: string, perSecond: number, baseline: number): void {
  const share = `${Math.round((perSecond / baseline) * 100)} %`;
  process.stdout.write(
    `${what.padEnd(32)}${String(Math.round(perSecond)).padStart(8)} readings/s ${share.padStart(7)}\n`,
  );
}
