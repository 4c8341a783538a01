import assert from 'node:assert/strict';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { appendFile, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sinon from 'sinon';
import { Spool, type SpoolOptions } from '../../../actors/frames/spool.js';
import { tempFolder } from '../../support/temp.js';

const text = (record: Uint8Array) => Buffer.from(record).toString();
const bytes = (content: string) => Buffer.from(content);

describe('Spool', () => {
  let folder: string;
  let remove: () => Promise<void>;
  const open: Spool[] = [];
  beforeEach(async () => {
    ({ path: folder, remove } = await tempFolder());
  });
  afterEach(async () => {
    for (const spool of open.splice(0)) spool.close();
    await remove();
  });
  const make = async (options: Partial<SpoolOptions> = {}) => {
    const spool = await Spool.open({ folder, maxBytes: 1e6, ...options });
    open.push(spool);
    return spool;
  };
  /** Everything that it holds, oldest first; it is empty afterwards. */
  const drain = async (spool: Spool) => {
    const all: string[] = [];
    let damagedBytes = 0;
    for (let segment = await spool.oldest(); segment !== undefined; segment = await spool.oldest()) {
      all.push(...segment.records.map(text));
      damagedBytes += segment.damagedBytes;
      await spool.drop(segment);
    }
    return { all, damagedBytes };
  };
  const files = async () => (await readdir(folder)).sort();
  const only = async () => join(folder, (await files())[0] as string);

  it('gives records back in the order in which they came', async () => {
    const spool = await make();
    assert.equal(spool.empty, true);
    assert.equal(await spool.oldest(), undefined);
    for (const record of ['a', 'bb', 'ccc']) assert.equal(spool.append(bytes(record)), true);
    assert.equal(spool.empty, false);
    assert.equal(spool.bytes, 6 + 3 * 8);
    assert.deepEqual(await drain(spool), { all: ['a', 'bb', 'ccc'], damagedBytes: 0 });
    assert.equal(spool.empty, true);
    assert.equal(spool.bytes, 0);
    assert.deepEqual(await files(), []);
  });

  it('puts what comes while it is read behind it', async () => {
    const spool = await make();
    spool.append(bytes('one'));
    const first = await spool.oldest();
    spool.append(bytes('two'));
    assert.deepEqual(first?.records.map(text), ['one']);
    assert.deepEqual((await spool.oldest())?.records.map(text), ['one']);
    await spool.drop(first);
    assert.deepEqual((await drain(spool)).all, ['two']);
  });

  it('gives space back segment by segment', async () => {
    const spool = await make({ segmentBytes: 40 });
    for (let index = 0; index < 12; index++) spool.append(bytes(`record ${index}`));
    assert.ok((await files()).length > 3);
    const before = spool.bytes;
    const first = await spool.oldest();
    assert.ok(first !== undefined);
    await spool.drop(first);
    assert.equal(
      before - spool.bytes,
      first.records.reduce((sum, record) => sum + record.length + 8, 0),
    );
    assert.equal((await drain(spool)).all.length, 12 - first.records.length);
  });

  it('takes up what an earlier run left, in order, and goes on behind it', async () => {
    const earlier = await make({ segmentBytes: 30 });
    for (let index = 0; index < 30; index++) earlier.append(bytes(`record ${index}`));
    // Killed: never closed.
    const spool = await make({ segmentBytes: 30 });
    assert.equal(spool.bytes, earlier.bytes);
    spool.append(bytes('after'));
    const expected = [...Array.from({ length: 30 }, (_, index) => `record ${index}`), 'after'];
    assert.deepEqual((await drain(spool)).all, expected);
  });

  it('leaves files alone that are not its own', async () => {
    await writeFile(join(folder, 'notes.txt'), 'keep me');
    const spool = await make();
    assert.equal(spool.empty, true);
    assert.deepEqual(await files(), ['notes.txt']);
  });

  it('refuses what would pass its bound, and takes again when there is room', async () => {
    const spool = await make({ maxBytes: 100 });
    const record = new Uint8Array(32).fill(1); // 40 bytes with its head
    assert.equal(spool.append(record), true);
    assert.equal(spool.append(record), true);
    assert.equal(spool.append(record), false);
    assert.equal(spool.fault, undefined);
    assert.equal(spool.append(new Uint8Array(12)), true); // 20 bytes fit exactly.
    assert.equal(spool.bytes, 100);
    const segment = await spool.oldest();
    assert.ok(segment !== undefined);
    await spool.drop(segment);
    assert.equal(spool.append(record), true);
  });

  it('counts what an earlier run left against its bound', async () => {
    (await make()).append(new Uint8Array(92).fill(1));
    const spool = await make({ maxBytes: 100 });
    assert.equal(spool.append(bytes('x')), false);
  });

  it('says why the disk refuses, and takes again when it does not', async () => {
    const spool = await make();
    await rm(folder, { recursive: true });
    assert.equal(spool.append(bytes('a')), false);
    assert.match(spool.fault ?? '', /ENOENT/);
    assert.equal(spool.empty, true);
    await mkdir(folder);
    assert.equal(spool.append(bytes('b')), true);
    assert.equal(spool.fault, undefined);
    assert.deepEqual((await drain(spool)).all, ['b']);
  });

  it('cannot be opened where no folder can be', async () => {
    await writeFile(join(folder, 'file'), '');
    await assert.rejects(Spool.open({ folder: join(folder, 'file', 'spool'), maxBytes: 100 }), /ENOTDIR/);
  });

  describe('after a crash', () => {
    const fill = async (...records: string[]) => {
      const spool = await make();
      for (const record of records) spool.append(bytes(record));
    };

    it('gives everything before a torn tail, and says how much was torn', async () => {
      await fill('first', 'second', 'third');
      const { size } = await stat(await only());
      for (const [cut, kept, damagedBytes] of [
        [1, 2, 12],
        [5, 2, 8],
        [10, 2, 3],
        [13, 2, 0],
      ] as const) {
        await truncate(await only(), size - cut);
        const segment = await (await make()).oldest();
        assert.deepEqual(segment?.records.map(text), ['first', 'second', 'third'].slice(0, kept), `cut ${cut}`);
        assert.equal(segment?.damagedBytes, damagedBytes, `cut ${cut}`);
      }
    });

    it('does not take a tail of zeros for records', async () => {
      await fill('first');
      await appendFile(await only(), new Uint8Array(4096));
      assert.deepEqual(await drain(await make()), { all: ['first'], damagedBytes: 4096 });
    });

    it('leaves out a record whose bytes changed, and keeps those behind it', async () => {
      await fill('first', 'second', 'third');
      const content = await readFile(await only());
      content[8 + 5 + 8 + 2] = 0x21; // within `second`
      await writeFile(await only(), content);
      assert.deepEqual(await drain(await make()), { all: ['first', 'third'], damagedBytes: 14 });
    });

    it('does not read past the end for a length that is nonsense', async () => {
      await fill('first', 'second');
      const content = await readFile(await only());
      content.writeUInt32LE(0xffff_ffff, 8 + 5);
      await writeFile(await only(), content);
      assert.deepEqual(await drain(await make()), { all: ['first'], damagedBytes: 14 });
    });

    it('is empty after a segment of which nothing can be read', async () => {
      await writeFile(join(folder, '0000000007.spool'), 'no records');
      const spool = await make();
      assert.equal(spool.empty, false);
      assert.deepEqual(await drain(spool), { all: [], damagedBytes: 10 });
      assert.equal(spool.empty, true);
    });
  });

  it('is not held up by a segment that somebody removed', async () => {
    const spool = await make({ segmentBytes: 1 });
    spool.append(bytes('one'));
    spool.append(bytes('two'));
    await rm(await only());
    assert.deepEqual(await drain(spool), { all: ['two'], damagedBytes: 11 });
    assert.equal(spool.bytes, 0);
  });

  it('tells a fault of the disk while it is read', async () => {
    await mkdir(join(folder, '0000000001.spool'));
    const spool = await make();
    await assert.rejects(spool.oldest(), /EISDIR/);
  });

  describe('on a disk with faults', () => {
    const { writeSync, fdatasync } = fs;
    afterEach(() => {
      sinon.restore();
      Object.assign(fs, { writeSync, fdatasync });
      syncBuiltinESMExports();
    });
    const replace = (some: Partial<typeof fs>) => {
      Object.assign(fs, some);
      syncBuiltinESMExports();
    };

    it('does not take a record in part: what follows it must be found again', async () => {
      const spool = await make();
      spool.append(bytes('first'));
      replace({ writeSync: ((file: number, data: Uint8Array) => writeSync(file, data.subarray(0, 5))) as never });
      assert.equal(spool.append(bytes('second')), false);
      assert.match(spool.fault ?? '', /took 5 of 14 bytes/);
      replace({ writeSync });
      assert.equal(spool.append(bytes('third')), true);
      assert.deepEqual(await drain(spool), { all: ['first', 'third'], damagedBytes: 5 });
    });

    it('syncs within a second, and when a segment ends', async () => {
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const synced: number[] = [];
      replace({
        fdatasync: ((file: number, done: (error: Error | null) => void) => {
          synced.push(file);
          fdatasync(file, done);
        }) as never,
      });
      const spool = await make();
      spool.append(bytes('a'));
      spool.append(bytes('b'));
      assert.equal(synced.length, 0);
      clock.tick(1_000);
      assert.equal(synced.length, 1);
      clock.tick(10_000);
      assert.equal(synced.length, 1);
      spool.append(bytes('c'));
      await spool.oldest();
      assert.equal(synced.length, 2);
      clock.tick(1_000);
      assert.equal(synced.length, 2);
    });

    it('says that a sync failed', async () => {
      replace({ fdatasync: ((_: number, done: (error: Error | null) => void) => done(new Error('EIO'))) as never });
      const clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const spool = await make();
      spool.append(bytes('a'));
      clock.tick(1_000);
      assert.equal(spool.fault, 'EIO');
      spool.append(bytes('b'));
      assert.equal(spool.fault, undefined);
      spool.close();
      assert.equal(spool.fault, 'EIO');
    });
  });
});
