import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StatewattError } from '../../../errors/error.js';
import { buildMintMessage, type MintMessageParts } from '../../../protocols/solana/mint-message.js';
import { LocalSigner } from '../../../protocols/solana/signer.js';
import { readingBytes } from '../../../site/metering/reading-bytes.js';
import { WorkerPool, type Job } from '../../../workers/pool.js';
import { KEY_WEAK, SIGNATURE_INVALID, SIGNATURE_VALID, type SignedMessage } from '../../../workers/signatures.js';
import { MintSigning } from '../../../workers/mint-signing.js';
import { signMintsOnPool } from '../../../workers/mints.js';
import { verifyOnPool } from '../../../workers/verify.js';
import { newSecret, newWallets } from '../../support/chain.js';
import { eventually, tempFolder } from '../../support/temp.js';

const tasksFile = fileURLToPath(new URL('../../support/fatal-task.js', import.meta.url));

function publicKeyBytes(key: KeyObject): Uint8Array {
  return key.export({ format: 'der', type: 'spki' }).subarray(-32);
}

describe('Worker pool', () => {
  describe('for signatures', () => {
    let pool: WorkerPool;
    before(() => (pool = new WorkerPool({ threads: 2 })));
    after(() => pool.close());

    const meters = Array.from({ length: 5 }, () => generateKeyPairSync('ed25519'));
    const signed = (sequence: number): SignedMessage => {
      const { privateKey, publicKey } = meters[sequence % meters.length] as (typeof meters)[0];
      const message = readingBytes({ meter: 'M', start: 0, end: 900_000, energy: 5n, sequence });
      return { publicKey: publicKeyBytes(publicKey), signature: sign(null, message, privateKey), message };
    };

    it('tells good ones from all others, in their order', async () => {
      const items = Array.from({ length: 600 }, (_, index) => signed(index));
      const [first, second] = items as [SignedMessage, SignedMessage];
      const flipped = Uint8Array.from(first.signature);
      flipped[3] = (flipped[3] as number) ^ 1;
      const bad: SignedMessage[] = [
        { ...first, signature: flipped },
        { ...first, signature: first.signature.slice(0, 63) }, // truncated
        { ...first, signature: new Uint8Array(0) },
        { ...first, message: second.message },
        { ...first, message: new Uint8Array(0) },
        { ...first, publicKey: second.publicKey },
        { ...first, publicKey: new Uint8Array(31) },
        { ...first, publicKey: new Uint8Array(32).fill(0xff) }, // no point of the curve
      ];
      bad.forEach((item, index) => items.splice(index * 70, 0, item));
      const verdicts = await verifyOnPool(pool, items);
      assert.equal(verdicts.length, 608);
      verdicts.forEach((verdict, index) => {
        const good = !(index % 70 === 0 && index / 70 < bad.length);
        assert.equal(verdict, good ? SIGNATURE_VALID : SIGNATURE_INVALID, `item ${index}`);
      });
      assert.ok(Buffer.compare(first.signature, signed(0).signature) === 0, 'the caller keeps what it gave');
    });

    it('trusts no key for which anybody can sign', async () => {
      const neutral = Uint8Array.of(1, ...new Uint8Array(31));
      const forged = { publicKey: neutral, signature: Uint8Array.of(...neutral, ...new Uint8Array(32)) };
      const { message } = signed(1);
      assert.deepEqual(await verifyOnPool(pool, [{ ...forged, message }]), [KEY_WEAK]);
    });

    it('answers nothing for nothing', async () => {
      assert.deepEqual(await verifyOnPool(pool, []), []);
    });

    it('shows what it did', async () => {
      await verifyOnPool(pool, [signed(0)]);
      const metrics = pool.metrics();
      assert.equal(metrics.threads, 2);
      assert.ok(metrics.completed > 0 && metrics.runTimeMs.max > 0 && metrics.utilization > 0);
      assert.deepEqual([metrics.waiting, metrics.running, metrics.failed], [0, 0, 0]);
    });
  });

  describe('for transactions', () => {
    const { secret, address } = newSecret();
    const parts = (amount: string) => ({
      authority: address,
      mint: newWallets(1)[0] as string,
      decimals: 9,
      targets: [{ wallet: address, tokenAccount: newWallets(1)[0] as string, amount, create: true }],
      memo: 'memo',
      unitPrice: 1,
      blockhash: newWallets(1)[0] as string,
    });
    let pool: WorkerPool;
    afterEach(() => pool.close());

    it('builds and signs them as this thread would', async () => {
      pool = new WorkerPool({ threads: 1, workerData: { signingKey: secret } });
      const mints = Array.from({ length: 5 }, (_, index) => parts(`${index + 1}`));
      const signed = await signMintsOnPool(pool, mints);
      for (const [index, mint] of mints.entries()) {
        const { message, targetOf } = buildMintMessage(mint);
        const signature = await new LocalSigner(secret, 'test').sign(message);
        assert.deepEqual(
          [signed[index]?.targetOf, Buffer.from(message).equals(signed[index]?.message as Uint8Array)],
          [targetOf, true],
        );
        assert.deepEqual(Buffer.from(signed[index]?.signature as Uint8Array), Buffer.from(signature));
      }
    });

    it('signs for a node those that come at once together, and again when a thread dies', async () => {
      const signer = new LocalSigner(secret, 'test');
      const signing = new MintSigning(signer);
      const first = await signing.sign(parts('1'));
      assert.deepEqual(signing.counters, { onPool: 0, here: 1 }, 'no threads yet');
      pool = new WorkerPool({ threads: 1, workerData: signing.workerData() });
      signing.use(pool);
      const mints = Array.from({ length: 40 }, (_, index) => parts(`${index + 1}`));
      const pending = mints.map((mint) => signing.sign(mint));
      await eventually(() => pool.metrics().running + pool.metrics().waiting > 0 || undefined);
      await pool.kill();
      const signed = await Promise.all(pending);
      for (const [index, { message, signature }] of signed.entries()) {
        assert.deepEqual(Buffer.from(message), Buffer.from(buildMintMessage(mints[index] as MintMessageParts).message));
        assert.deepEqual(Buffer.from(signature), Buffer.from(await signer.sign(message)));
      }
      assert.equal(Buffer.from(first.signature).length, 64);
      assert.equal(signing.counters.onPool + signing.counters.here, 41);
      assert.ok(pool.metrics().completed <= 3, 'forty in few jobs');
    });

    it('is signed by this thread when the threads cannot, and by a program that alone has the key', async () => {
      const signer = new LocalSigner(secret, 'test');
      const signing = new MintSigning(signer);
      pool = new WorkerPool({ threads: 1, maxJobs: 1, workerData: signing.workerData() });
      signing.use(pool);
      await pool.close();
      const { message, signature } = await signing.sign(parts('1'));
      assert.deepEqual(Buffer.from(signature), Buffer.from(await signer.sign(message)));
      assert.deepEqual(signing.counters, { onPool: 0, here: 1 });
      const outside = new MintSigning({
        address,
        sign: (bytes) => signer.sign(bytes),
        close: () => Promise.resolve(),
      });
      assert.equal(outside.workerData(), undefined);
      outside.use(pool);
      assert.equal((await outside.sign(parts('2'))).signature.length, 64);
      const broken = { ...parts('1'), authority: 'no address' };
      await assert.rejects(signing.sign(broken));
    });

    it('signs nothing without a key', async () => {
      pool = new WorkerPool({ threads: 1 });
      await assert.rejects(signMintsOnPool(pool, [parts('1')]), /without a signing key/);
    });
  });

  describe('under strain', () => {
    let folder: Awaited<ReturnType<typeof tempFolder>>;
    let pool: WorkerPool | undefined;
    before(async () => (folder = await tempFolder()));
    after(() => folder.remove());
    const gates: Int32Array[] = [];
    afterEach(() => {
      gates.forEach(open);
      return pool?.close();
    });

    const dying = (name: string, deaths: number): Job => ({
      task: 'perhapsDie',
      prepare: () => {
        const bytes = Uint8Array.of(1, 2, 3);
        return { argument: { file: join(folder.path, name), deaths, bytes }, transfer: [bytes.buffer] };
      },
    });
    const holding = (gate: Int32Array): Job => ({
      task: 'hold',
      prepare: () => ({ argument: gate, transfer: [] }),
    });
    const open = (gate: Int32Array) => {
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
    };
    const newGate = () => {
      const gate = new Int32Array(new SharedArrayBuffer(4));
      gates.push(gate);
      return gate;
    };

    it('does the job of a dead worker once more', async () => {
      pool = new WorkerPool({ threads: 1, tasksFile });
      const [bytes] = await pool.run<Uint8Array>([dying('once', 1)]);
      assert.deepEqual(bytes, Uint8Array.of(2, 3, 4));
      assert.equal((await readFile(join(folder.path, 'once'))).length, 2);
      assert.equal(pool.metrics().redone, 1);
    });

    it('does the job of a thread that is ended once more, and goes on after any number of them', async () => {
      const threads = 2;
      pool = new WorkerPool({ threads, tasksFile });
      const gate = newGate();
      const jobs = pool.run<number>([holding(gate), holding(gate)]);
      const killed = await pool.kill();
      assert.equal(typeof killed, 'number');
      open(gate);
      assert.deepEqual(await jobs, [1, 1]);
      assert.equal(pool.metrics().redone, 1);
      // Some of these have not even begun to work.
      for (let kill = 0; kill < 10; kill++) await pool.kill();
      assert.deepEqual(await pool.run([dying('idle', 0), dying('idle', 0)]), [
        Uint8Array.of(2, 3, 4),
        Uint8Array.of(2, 3, 4),
      ]);
    });

    it('fails a job that kills two workers, and goes on with others', async () => {
      pool = new WorkerPool({ threads: 1, tasksFile });
      await assert.rejects(
        pool.run([dying('always', 99)]),
        (error) => error instanceof StatewattError && error.code === 'workers.job_failed',
      );
      assert.equal((await readFile(join(folder.path, 'always'))).length, 2);
      assert.equal((await pool.run([dying('later', 0)])).length, 1);
      assert.equal(pool.metrics().failed, 1);
    });

    it('does what waits behind a worker that dies', async () => {
      pool = new WorkerPool({ threads: 1, tasksFile });
      const results = await pool.run([dying('first', 1), ...Array.from({ length: 5 }, () => dying('behind', 0))]);
      assert.equal(results.length, 6);
    });

    it('passes on why a task cannot be done', async () => {
      pool = new WorkerPool({ threads: 1, tasksFile });
      await assert.rejects(
        pool.run([{ task: 'fail', prepare: () => ({ argument: undefined, transfer: [] }) }]),
        /cannot be done/,
      );
    });

    it('refuses more than its bound, says when to come again, and takes all jobs of a call or none', async () => {
      pool = new WorkerPool({ threads: 1, maxJobs: 3, tasksFile });
      const gate = newGate();
      const held = pool.run([holding(gate), holding(gate)]);
      await assert.rejects(pool.run([holding(gate), holding(gate)]), (error) => {
        assert.ok(error instanceof StatewattError);
        assert.equal(error.code, 'workers.busy');
        assert.ok(error.retryable && (error.retryAfterMs ?? 0) > 0);
        return true;
      });
      await assert.rejects(
        pool.run(Array.from({ length: 4 }, () => holding(gate))),
        (error) => error instanceof StatewattError && error.code === 'workers.too_many_jobs',
      );
      assert.equal(pool.room, 1);
      const third = pool.run([holding(gate)]);
      assert.deepEqual([pool.metrics().refused, pool.room], [2, 0]);
      open(gate);
      assert.deepEqual([...(await held), ...(await third)], [1, 1, 1]);
      assert.equal(pool.room, 3);
    });

    it('does what it has taken before it ends, and takes no more', async () => {
      pool = new WorkerPool({ threads: 1, tasksFile });
      const gate = newGate();
      const held = pool.run([holding(gate), holding(gate)]);
      const closed = pool.close();
      await assert.rejects(
        pool.run([holding(gate)]),
        (error) => error instanceof StatewattError && error.code === 'workers.stopped',
      );
      open(gate);
      assert.deepEqual(await held, [1, 1]);
      await closed;
      await eventually(() => (pool?.metrics().threads === 0 ? true : undefined), { what: 'threads end' });
    });
  });
});
