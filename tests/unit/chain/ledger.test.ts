import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { StatewattError } from '../../../errors/error.js';
import { Ledger } from '../../../protocols/solana/embedded/ledger.js';
import { decodeRecord, encodeRecord, type LedgerRecord } from '../../../protocols/solana/embedded/record.js';
import { SignatureIndex } from '../../../protocols/solana/embedded/signature-index.js';
import { decodeSnapshot, encodeSnapshot } from '../../../protocols/solana/embedded/snapshot.js';
import { tempFolder } from '../../support/temp.js';

const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
const records: fc.Arbitrary<LedgerRecord> = fc
  .record({
    slot: fc.maxSafeNat(),
    time: fc.maxSafeNat(),
    err: fc.constantFrom(null, 'AccountInUse', { InstructionError: [3, { Custom: 17 }] }),
    fee: u64,
    unitsConsumed: fc.nat({ max: 1_400_000 }),
    logs: fc.array(fc.string(), { maxLength: 5 }),
    bytes: fc.uint8Array({ minLength: 1, maxLength: 1232 }).map((bytes) => Buffer.from(bytes)),
    keys: fc.array(fc.tuple(fc.integer({ min: -1, max: 2 ** 40 }), u64, u64), { maxLength: 38 }),
  })
  .map(({ keys, ...record }) => ({
    ...record,
    previous: keys.map(([previous]) => previous),
    preBalances: keys.map(([, pre]) => pre),
    postBalances: keys.map(([, , post]) => post),
  }));

describe('Ledger of the embedded chain', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let path: string;
  beforeEach(async () => {
    folder = await tempFolder();
    path = join(folder.path, 'ledger');
  });
  afterEach(() => folder.remove());

  const read = async () => {
    const seen: [LedgerRecord, number][] = [];
    const ledger = await Ledger.open(path, (record, offset) => seen.push([record, offset]));
    return { ledger, seen };
  };

  it('reads back what was appended, from the file and by its place', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(records, { minLength: 1, maxLength: 8 }), async (list) => {
        await writeFile(path, '');
        const { ledger } = await read();
        const offsets = list.map((record) => ledger.append(record));
        await ledger.flush();
        offsets.forEach((offset, index) => assert.deepEqual(ledger.read(offset), list[index]));
        await ledger.close();
        const again = await read();
        assert.deepEqual(
          again.seen,
          list.map((record, index) => [record, offsets[index]]),
        );
        await again.ledger.close();
      }),
      { numRuns: 15 },
    );
  });

  it('cuts off an unfinished record wherever it ends, and goes on behind the last whole one', async () => {
    const [first, second] = fc.sample(records, 2) as [LedgerRecord, LedgerRecord];
    const { ledger } = await read();
    const end = ledger.append(second) + encodeRecord(second).length;
    await ledger.close();
    const torn = encodeRecord(first);
    for (const length of [1, 7, 8, 20, torn.length - 1]) {
      await truncate(path, end);
      await appendFile(path, torn.subarray(0, length));
      const again = await read();
      assert.equal(again.seen.length, 1);
      assert.equal((await stat(path)).size, end);
      assert.equal(again.ledger.append(first), end);
      await again.ledger.close();
      const whole = await read();
      assert.equal(whole.seen.length, 2);
      await whole.ledger.close();
    }
  });

  it('refuses a file of which more is unreadable than one write can have left', async () => {
    await writeFile(
      path,
      Buffer.concat([encodeRecord(fc.sample(records, 1)[0] as LedgerRecord), randomBytes(5_000_000)]),
    );
    await assert.rejects(read(), (error) => error instanceof StatewattError && error.code === 'chain.ledger_damaged');
    assert.ok((await stat(path)).size > 5_000_000, 'nothing was thrown away');
  });

  it('takes no byte of a record for another', () => {
    fc.assert(
      fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, at, change) => {
        const bytes = encodeRecord(record);
        const index = at % bytes.length;
        bytes[index] = (bytes[index] as number) ^ change;
        assert.equal(decodeRecord(bytes), undefined);
      }),
    );
  });

  it('is written in groups, in order', async () => {
    const list = fc.sample(records, 200);
    const { ledger } = await read();
    await Promise.all(
      list.map((record) => {
        ledger.append(record);
        return ledger.flush();
      }),
    );
    await ledger.close();
    const again = await read();
    assert.deepEqual(
      again.seen.map(([record]) => record),
      list,
    );
    await again.ledger.close();
    assert.ok((await readFile(path)).length > 0);
  });
});

describe('Index of signatures', () => {
  it('finds every one, and tells those with the same beginning apart by their records', () => {
    const index = new SignatureIndex();
    const signatures = Array.from({ length: 5_000 }, () => randomBytes(64));
    const twins = [0, 1].map((last) => Buffer.concat([Buffer.alloc(63, 5), Buffer.of(last)]));
    [...signatures, ...twins].forEach((signature, offset) => index.add(signature, offset));
    signatures.forEach((signature, offset) => assert.deepEqual([...index.candidates(signature)], [offset]));
    assert.deepEqual([...index.candidates(twins[0] as Buffer)].sort(), [5_000, 5_001]);
    assert.deepEqual([...index.candidates(randomBytes(64))], []);
  });
});

describe('Saved accounts', () => {
  const accounts = fc.array(
    fc.tuple(
      fc.uint8Array({ minLength: 32, maxLength: 32 }).map((key) => Buffer.from(key)),
      fc.record(
        {
          lamports: u64,
          owner: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((key) => Buffer.from(key)),
          data: fc.uint8Array({ maxLength: 200 }).map((data) => Buffer.from(data)),
          executable: fc.boolean(),
          rentEpoch: u64,
        },
        { noNullPrototype: true },
      ),
    ),
  );

  it('are read back as they were, or not at all', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), accounts, fc.nat(), (ledgerEnd, list, cut) => {
        const bytes = encodeSnapshot({ ledgerEnd, accounts: list });
        assert.deepEqual(decodeSnapshot(bytes), { ledgerEnd, accounts: list });
        if (list.length > 0) assert.equal(decodeSnapshot(bytes.subarray(0, cut % bytes.length)), undefined);
      }),
    );
  });
});
