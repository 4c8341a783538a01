import { createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { readingBytes } from '../../site/metering/reading-bytes.js';
import { WorkerPool } from '../../workers/pool.js';
import type { SignedMessage } from '../../workers/signatures.js';
import { verifyOnPool } from '../../workers/verify.js';

const METERS = 200;

/** Readings of many meters, each with its signature. */
export function signedReadings(count: number): SignedMessage[] {
  const meters = Array.from({ length: METERS }, (_, index) => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
    return { id: `METER_${index}`, privateKey, publicKey: new Uint8Array(key) };
  });
  return Array.from({ length: count }, (_, sequence) => {
    const meter = meters[sequence % METERS] as (typeof meters)[0];
    const start = 1_763_733_600_000 + sequence * 900_000;
    const message = readingBytes({ meter: meter.id, start, end: start + 900_000, energy: 1_250_000_000n, sequence });
    return { publicKey: meter.publicKey, signature: sign(null, message, meter.privateKey), message };
  });
}

/** Verifications per second of plain loops over node:crypto, one thread for each core, with keys made beforehand. */
export async function rawVerifyRate(seconds: number): Promise<number> {
  const threads = Array.from({ length: availableParallelism() }, () => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { seconds } });
    return new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  });
  return (await Promise.all(threads)).reduce((sum, rate) => sum + rate, 0);
}

/** Verifications per second through the pool, packing and answers included; four submissions are under way at once. */
export async function poolVerifyRate(seconds: number, submission: number): Promise<number> {
  const pool = new WorkerPool();
  const items = signedReadings(submission);
  await verifyOnPool(pool, items);
  const start = performance.now();
  const end = start + seconds * 1000;
  let done = 0;
  const submit = async () => {
    while (performance.now() < end) {
      const verdicts = await verifyOnPool(pool, items);
      if (!verdicts.every((verdict) => verdict === 1)) throw new Error('a good signature was refused');
      done += items.length;
    }
  };
  await Promise.all(Array.from({ length: 4 }, submit));
  const rate = done / ((performance.now() - start) / 1000);
  await pool.close();
  return rate;
}

if (!isMainThread) {
  const { seconds } = workerData as { seconds: number };
  const items = signedReadings(METERS).map(({ publicKey, ...rest }) => {
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), publicKey]);
    return { ...rest, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
  });
  const start = performance.now();
  let done = 0;
  while (performance.now() - start < seconds * 1000) {
    for (const { message, signature, key } of items) verify(null, message, key, signature);
    done += items.length;
  }
  parentPort?.postMessage(done / ((performance.now() - start) / 1000));
}
