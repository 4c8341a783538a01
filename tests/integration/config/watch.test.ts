import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChannelChange } from '../../../site/config/diff.js';
import { loadSite } from '../../../site/config/load.js';
import { ConfigError } from '../../../site/config/problems.js';
import { RecordingFiles } from '../../../site/config/versions/sources.js';
import { watchSite, type SiteChangeListener } from '../../../site/config/watch.js';
import type { Site } from '../../../site/model.js';
import { tempFolder } from '../../support/temp.js';

const HEADER = 'point_id,signal_name,scale,offset,unit,reverse,data_type\n';
const TWO = `${HEADER}1,Temperature,1.0,0.0,℃,false,float\n2,Pressure,0.1,0.0,bar,false,float\n`;
const THREE = `${TWO}3,Flow Rate,0.01,0.0,L/min,false,float\n`;
const SITE = 'channels:\n  - { id: 1001, protocol: virtual, tables: tables }\n';

interface Heard {
  next: Site | ConfigError;
  changes: readonly ChannelChange[];
}

describe('watchSite', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let table: string;
  let close = (): void => undefined;
  const heard: Heard[] = [];
  let onHeard = (): void => undefined;

  /** The next thing that the watcher tells. */
  async function next(): Promise<Heard> {
    if (heard.length === 0) await new Promise<void>((resolve) => (onHeard = resolve));
    return heard.shift() as Heard;
  }

  function sizes(site: Site | ConfigError): number[] {
    if (site instanceof ConfigError) throw site;
    return site.channels.map(({ points }) => points.length);
  }

  beforeEach(async () => {
    folder = await tempFolder();
    table = join(folder.path, 'tables', 'telemetry.csv');
    await mkdir(join(folder.path, 'tables'));
    await writeFile(table, TWO);
    await writeFile(join(folder.path, 'site.yaml'), SITE);
    heard.length = 0;
    const site = await loadSite(folder.path);
    const watch = watchSite(folder.path, site, (site, changes) => {
      heard.push({ next: site, changes });
      onHeard();
    });
    close = () => watch.close();
  });

  afterEach(async () => {
    close();
    await folder.remove();
  });

  it('sees a table that was written anew', async () => {
    await writeFile(table, THREE);
    const { next: site, changes } = await next();
    assert.deepEqual(sizes(site), [3]);
    assert.deepEqual(
      changes.map((change) => [change.change, change.id, change.change === 'changed' && change.parts]),
      [['changed', 1001, ['points']]],
    );
  });

  it('sees a table that was replaced by renaming, as editors do, again and again', async () => {
    for (const [text, count] of [
      [THREE, 3],
      [TWO, 2],
      [THREE, 3],
    ] as const) {
      await writeFile(`${table}.tmp`, text);
      await rename(`${table}.tmp`, table);
      assert.deepEqual(sizes((await next()).next), [count]);
    }
  });

  it('tells an edit that cannot be used, keeps the old site, and tells when it is mended', async () => {
    await writeFile(table, TWO.replace('0.1', 'x'));
    const bad = await next();
    assert.ok(bad.next instanceof ConfigError);
    assert.match(bad.next.message, /scale: found "x", allowed a number/);
    assert.deepEqual(bad.changes, []);
    await writeFile(table, TWO);
    const mended = await next();
    assert.deepEqual(sizes(mended.next), [2]);
    assert.deepEqual(mended.changes, []);
    await writeFile(table, THREE);
    assert.deepEqual(
      (await next()).changes.map(({ change }) => change),
      ['changed'],
    );
  });

  it('follows tables that come with a new channel, and forgets those that go', async () => {
    const other = join(folder.path, 'other', 'telemetry.csv');
    await mkdir(join(folder.path, 'other'));
    await writeFile(other, TWO);
    await writeFile(join(folder.path, 'site.yaml'), SITE.replace('id: 1001', 'id: 2').replace('tables }', 'other }'));
    assert.deepEqual(
      (await next()).changes.map(({ change, id }) => [change, id]),
      [
        ['added', 2],
        ['removed', 1001],
      ],
    );
    await rm(table);
    await writeFile(other, THREE);
    assert.deepEqual(sizes((await next()).next), [3]);
  });

  it('sees an edit of before it began to watch', async () => {
    close();
    const site = await loadSite(folder.path);
    await writeFile(table, THREE);
    const watch = watchSite(folder.path, site, (site, changes) => {
      heard.push({ next: site, changes });
      onHeard();
    });
    close = () => watch.close();
    assert.deepEqual(sizes((await next()).next), [3]);
  });

  it('tells a text that says the same only to who knows the one before', async () => {
    close();
    const files = new RecordingFiles();
    const site = await loadSite(folder.path, files);
    const told: (string | undefined)[] = [];
    const listen: SiteChangeListener = (_site, _changes, sources) => {
      told.push(sources?.hash);
      onHeard();
    };
    const watch = watchSite(folder.path, site, listen, files.sources?.hash);
    close = () => watch.close();
    const path = join(folder.path, 'site.yaml');
    await watch.afterwards(() => writeFile(path, `${SITE}# a comment\n`));
    assert.equal(told.length, 1);
    assert.notEqual(told[0], files.sources?.hash);
    await watch.afterwards(() => writeFile(path, `${SITE}# a comment\n`));
    assert.equal(told.length, 1, 'nothing is another');
  });

  it('sees what the file system does not notify: an edit behind a symbolic link', async () => {
    const target = join(folder.path, 'elsewhere', 'signal.csv');
    await mkdir(join(folder.path, 'elsewhere'));
    await writeFile(target, `${HEADER}1,Door,1,0,,0,bool\n`);
    await symlink(target, join(folder.path, 'tables', 'signal.csv'));
    assert.deepEqual(sizes((await next()).next), [3]);
    await writeFile(target, `${HEADER}1,Door,1,0,,0,bool\n2,Gate,1,0,,0,bool\n`);
    assert.deepEqual(sizes((await next()).next), [4]);
  });

  it('tells that the site file went', async () => {
    await rm(join(folder.path, 'site.yaml'));
    const gone = await next();
    assert.ok(gone.next instanceof ConfigError);
    assert.match(gone.next.message, /found no site file/);
  });
});
