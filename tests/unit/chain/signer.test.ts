import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { StatewattError } from '../../../errors/error.js';
import { LocalSigner, signerFromEnvironment, signerFromFile, type Signer } from '../../../protocols/solana/signer.js';
import { decodeBase58, encodeBase58 } from '../../../site/metering/base58.js';
import { newSecret } from '../../support/chain.js';
import { tempFolder } from '../../support/temp.js';

describe('Signers', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  before(async () => (folder = await tempFolder()));
  after(() => folder.remove());

  const { secret, address } = newSecret();
  const json = JSON.stringify([...secret]);
  const code = (expected: string) => (error: unknown) => {
    assert.ok(error instanceof StatewattError && error.code === expected, String(error));
    const shown = inspect(error) + JSON.stringify(error);
    assert.ok(!shown.includes(String([...secret].slice(0, 5))), 'an error shows the key');
    return true;
  };
  async function checkSigns(signer: Signer): Promise<void> {
    const message = Buffer.from('message');
    const der = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      decodeBase58(address, 32) as Uint8Array,
    ]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    assert.equal(signer.address, address);
    assert.ok(verify(null, message, key, await signer.sign(message)));
  }

  it('sign with a key from a file that only its owner reads', async () => {
    const path = join(folder.path, 'key.json');
    await writeFile(path, json);
    await chmod(path, 0o644);
    await assert.rejects(signerFromFile(path), code('signer.key_exposed'));
    await chmod(path, 0o600);
    await checkSigns(await signerFromFile(path));
    await assert.rejects(signerFromFile(join(folder.path, 'none')), code('signer.key_missing'));
  });

  it('sign with a key from the environment, as numbers or base58', async () => {
    await checkSigns(signerFromEnvironment('KEY', { KEY: ` ${json}\n` }));
    await checkSigns(signerFromEnvironment('KEY', { KEY: encodeBase58(secret) }));
    assert.throws(() => signerFromEnvironment('KEY', {}), code('signer.key_missing'));
  });

  it('take nothing for a key that is none, and do not show it', () => {
    const almost = [...secret];
    almost[63] = (almost[63] as number) ^ 1;
    for (const text of [
      '[]',
      '[1,2]',
      `${json}x`,
      JSON.stringify([...secret, 1]),
      JSON.stringify(almost),
      '{}',
      'abc',
      encodeBase58(secret.subarray(1)),
    ]) {
      assert.throws(() => signerFromEnvironment('KEY', { KEY: text }), code('signer.key_invalid'), text.slice(0, 20));
    }
  });

  it('show their key to nobody', () => {
    const signer = new LocalSigner(secret, 'test');
    assert.equal(JSON.stringify(signer), JSON.stringify({ address }));
    assert.ok(!inspect(signer, { depth: 9, showHidden: true }).includes('KeyObject'));
  });
});
