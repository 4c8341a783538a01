// One core's part of the baseline: verifies every signature that it is given with node:crypto, and nothing else.
import { createPublicKey, verify } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';

interface Signed {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
  readonly message: Uint8Array;
}

const HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const keys = new Map<string, ReturnType<typeof createPublicKey>>();
const signed = (workerData as readonly Signed[]).map(({ publicKey, signature, message }) => {
  const name = Buffer.from(publicKey).toString('hex');
  let key = keys.get(name);
  if (key === undefined) {
    key = createPublicKey({ key: Buffer.concat([HEAD, publicKey]), format: 'der', type: 'spki' });
    keys.set(name, key);
  }
  return { key, signature, message };
});
parentPort?.once('message', () => {
  let valid = 0;
  for (const { key, signature, message } of signed) if (verify(null, message, key, signature)) valid += 1;
  parentPort?.postMessage(valid);
});
parentPort?.postMessage('ready');
