import { createPrivateKey, sign } from 'node:crypto';
import { createInterface } from 'node:readline';

/**
 * A signer process as docs/chain.md describes it. Its key is in STATEWATT_TEST_SEED (hex), STATEWATT_TEST_MODE makes it
 * misbehave.
 */
const { STATEWATT_TEST_SEED: seed = '', STATEWATT_TEST_ADDRESS: address, STATEWATT_TEST_MODE: mode } = process.env;
const key = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
console.log(mode === 'no-hello' ? 'hello' : JSON.stringify({ address }));
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, sign: text } = JSON.parse(line) as { id: number; sign: string };
  if (mode === 'silent') return;
  if (mode === 'dies') process.exit(1);
  if (mode === 'refuses') {
    console.log(JSON.stringify({ id, error: 'not in office hours' }));
    return;
  }
  const signature = sign(null, Buffer.from(text, 'base64'), key);
  if (mode === 'wrong') signature[0] = (signature[0] as number) ^ 1;
  console.log(JSON.stringify({ id, signature: signature.toString('base64') }));
});
