import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { loadSite } from '../../../site/config/load.js';
import { ConfigError } from '../../../site/config/problems.js';
import { tempFolder } from '../../support/temp.js';

const HEADER = 'point_id,signal_name,scale,offset,unit,reverse,data_type';
const MAPPING = 'point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position';

/** A channel's folder as VoltageEMS has it, with telemetry only. */
async function writeChannel(folder: string, points: number): Promise<void> {
  await mkdir(join(folder, 'mapping'), { recursive: true });
  const ids = Array.from({ length: points }, (_, index) => index + 1);
  const rows = ids.map((id) => `${id},Point ${id},0.1,0,kW,0,float32`);
  const mappings = ids.map((id) => `${id},1,3,${2 * id},float32,ABCD,`);
  await writeFile(join(folder, 'telemetry.csv'), [HEADER, ...rows].join('\n'));
  await writeFile(join(folder, 'mapping', 'telemetry_mapping.csv'), [MAPPING, ...mappings].join('\n'));
}

describe('loadSite from disk', () => {
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  beforeEach(async () => (folder = await tempFolder()));
  afterEach(() => folder.remove());

  async function problem(path: string): Promise<string> {
    try {
      await loadSite(path);
    } catch (error) {
      if (error instanceof ConfigError) return error.problems.map(({ message }) => message).join('\n');
      throw error;
    }
    return 'none';
  }

  it('takes a site file, its folder, or the folder of a VoltageEMS configuration', async () => {
    const comsrv = join(folder.path, 'config', 'comsrv');
    await writeChannel(join(comsrv, '1001'), 700);
    const channels = 'channels: [{ id: 1001, protocol: modbus_tcp, parameters: { host: 127.0.0.1 } }]';
    await writeFile(join(comsrv, 'comsrv.yaml'), channels);
    for (const path of [folder.path, join(folder.path, 'config'), comsrv, join(comsrv, 'comsrv.yaml')]) {
      const site = await loadSite(path);
      assert.equal(site.channels[0]?.points.length, 700);
      assert.deepEqual(site.files.map((file) => basename(file)).sort(), [
        'comsrv.yaml',
        'telemetry.csv',
        'telemetry_mapping.csv',
      ]);
    }
    await writeFile(join(folder.path, 'site.yaml'), 'channels: []');
    assert.equal((await loadSite(folder.path)).channels.length, 0);
  });

  it('says what is missing or cannot be read', async () => {
    assert.match(await problem(join(folder.path, 'gone')), /there is no such file or folder/);
    assert.match(await problem(join(folder.path, 'gone\0')), /there is no such file or folder/);
    assert.match(await problem(folder.path), /found no site file in the folder, allowed site.yaml/);
    const file = join(folder.path, 'site.yaml');
    await writeFile(file, 'channels: [{ id: 1, protocol: modbus, address: a, tables: t }]');
    await mkdir(join(folder.path, 't', 'telemetry.csv'), { recursive: true });
    assert.match(await problem(file), /cannot be read \(EISDIR\)/);
  });

  it('loads 1,000 channels of 100 points', async () => {
    const ids = Array.from({ length: 1000 }, (_, index) => index + 1);
    for (const id of ids) await writeChannel(join(folder.path, String(id)), 100);
    const channels = ids.map((id) => `  - { id: ${id}, protocol: modbus, address: "10.0.0.1:502" }\n`).join('');
    await writeFile(join(folder.path, 'site.yaml'), `channels:\n${channels}`);
    const start = performance.now();
    const site = await loadSite(folder.path);
    const took = performance.now() - start;
    assert.equal(
      site.channels.reduce((sum, { points }) => sum + points.length, 0),
      100_000,
    );
    assert.ok(took < 20_000, `${took} ms`);
  });
});
