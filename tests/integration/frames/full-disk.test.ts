import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Spool } from '../../../actors/frames/spool.js';
import { Disk } from '../../../chaos/disk.js';
import { tempFolder } from '../../support/temp.js';

describe('a spool whose disk is full', function () {
  this.timeout(60_000);
  let folder: { path: string; remove: () => Promise<void> };
  let disk: Disk | undefined;
  before(async function () {
    folder = await tempFolder();
    try {
      disk = await Disk.mount(join(folder.path, 'small'), 1);
    } catch (error) {
      console.log(`      skipped: a small disk cannot be mounted here: ${String(error).split('\n')[0]}`);
      this.skip();
    }
  });
  after(async () => {
    await disk?.unmount();
    await folder.remove();
  });

  it('refuses each record, has no file for each, keeps what it had, and goes on when there is room', async () => {
    const path = join(folder.path, 'small');
    const record = (text: string) => new TextEncoder().encode(text);
    const spool = await Spool.open({ folder: path, maxBytes: 1e7 });
    assert.equal(spool.append(record('before')), true);
    disk?.fill();
    // What is left of a page of the disk takes some.
    let taken = 1;
    while (spool.append(record('x'.repeat(500)))) taken += 1;
    for (let time = 0; time < 200; time++) assert.equal(spool.append(record('y'.repeat(5_000))), false);
    assert.ok(spool.fault);
    assert.ok(readdirSync(path).length <= 4, readdirSync(path).join(' '));
    await disk?.empty();
    assert.equal(spool.append(record('after')), true);
    const kept: string[] = [];
    for (let segment = await spool.oldest(); segment !== undefined; segment = await spool.oldest()) {
      kept.push(...segment.records.map((bytes) => new TextDecoder().decode(bytes)));
      await spool.drop(segment);
    }
    assert.deepEqual([kept.length, kept[0], kept.at(-1), spool.bytes], [taken + 1, 'before', 'after', 0]);
    spool.close();
  });
});
