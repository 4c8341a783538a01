import assert from 'node:assert/strict';
import { createPublicKey, verify } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { StatewattError } from '../../../errors/error.js';
import { SignerProcess } from '../../../protocols/solana/signer-process.js';
import { decodeBase58 } from '../../../site/metering/base58.js';
import { newSecret } from '../../support/chain.js';

const program = fileURLToPath(new URL('../../support/signer-program.js', import.meta.url));

describe('A signer process', () => {
  const { secret, address } = newSecret();
  let signer: SignerProcess | undefined;
  afterEach(() => signer?.close());

  async function start(mode: string, timeoutMs = 10_000): Promise<SignerProcess> {
    const seed = Buffer.from(secret.subarray(0, 32)).toString('hex');
    const settings = [
      `STATEWATT_TEST_SEED=${seed}`,
      `STATEWATT_TEST_ADDRESS=${address}`,
      `STATEWATT_TEST_MODE=${mode}`,
    ];
    signer = await SignerProcess.start({
      command: '/usr/bin/env',
      args: [...settings, process.execPath, program],
      timeoutMs,
    });
    return signer;
  }
  const unavailable = (error: unknown) => {
    assert.ok(error instanceof StatewattError && error.code === 'signer.unavailable' && error.retryable, String(error));
    return true;
  };

  it('signs many messages at once', async () => {
    const running = await start('good');
    assert.equal(running.address, address);
    const messages = Array.from({ length: 50 }, (_, index) => Buffer.from(`message ${index}`));
    const signatures = await Promise.all(messages.map((message) => running.sign(message)));
    const der = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      decodeBase58(address, 32) as Uint8Array,
    ]);
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    messages.forEach((message, index) => assert.ok(verify(null, message, key, signatures[index] as Uint8Array)));
    const many = await Promise.allSettled(Array.from({ length: 65 }, () => running.sign(Buffer.from('x'))));
    const refused = many.filter((result) => result.status === 'rejected');
    assert.deepEqual(
      refused.map(({ reason }: PromiseRejectedResult) => (reason as StatewattError).code),
      ['signer.busy'],
    );
  });

  it('may refuse, and says why', async () => {
    const running = await start('refuses');
    await assert.rejects(running.sign(Buffer.from('m')), (error) => {
      assert.ok(error instanceof StatewattError && error.code === 'signer.refused');
      return /office hours/.test(error.message);
    });
  });

  it('is not believed, waited for for ever, or missed when it ends', async () => {
    await assert.rejects((await start('wrong')).sign(Buffer.from('m')), unavailable);
    await signer?.close();
    await assert.rejects((await start('silent', 200)).sign(Buffer.from('m')), unavailable);
    await signer?.close();
    const dying = await start('dies');
    await assert.rejects(dying.sign(Buffer.from('m')), unavailable);
    // It is started again for the next one.
    await assert.rejects(dying.sign(Buffer.from('m')), unavailable);
    await dying.close();
    await assert.rejects(dying.sign(Buffer.from('m')), unavailable);
    await assert.rejects(start('no-hello'), unavailable);
    await assert.rejects(SignerProcess.start({ command: '/nonexistent/signer' }), unavailable);
  });
});
