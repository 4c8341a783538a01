import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DEMO_SITE, startDemoDevices } from '../../../node/demo-devices.js';
import type { SupervisedChild } from '../../../processes/child.js';
import type { Driver } from '../../../protocols/driver.js';
import { createModbusDriver } from '../../../protocols/modbus/driver.js';
import { loadSite } from '../../../site/config/load.js';
import type { ModbusChannel } from '../../../site/model.js';
import { GOOD, type PointDefinition } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';
import { eventually, freePort, tempFolder } from '../../support/temp.js';

const PROGRAM = fileURLToPath(new URL('../../../node/demo-devices.js', import.meta.url));

interface Folder {
  path: string;
  remove: () => Promise<void>;
}

/** A copy of the demo's site on ports that are free; answers its site file. */
async function copySite(folder: Folder): Promise<string> {
  await cp(dirname(DEMO_SITE), folder.path, { recursive: true });
  const file = join(folder.path, 'site.yaml');
  let text = await readFile(file, 'utf8');
  for (const port of new Set(text.match(/\b1502\d\b/g))) text = text.replaceAll(port, String(await freePort()));
  await writeFile(file, text);
  return file;
}

async function devicesOf(file: string): Promise<ModbusChannel[]> {
  return (await loadSite(file)).channels.filter((channel) => channel.protocol === 'modbus');
}

function portOf(channel: ModbusChannel | undefined): number {
  assert.ok(channel?.transport.type === 'tcp');
  return channel.transport.port;
}

describe('demo devices', () => {
  let folder: Folder;
  let file: string;
  let channels: ModbusChannel[];
  let child: SupervisedChild | undefined;
  const drivers: Driver[] = [];
  const lines: string[] = [];

  before(async () => {
    folder = await tempFolder();
    file = await copySite(folder);
    channels = await devicesOf(file);
  });
  beforeEach(async () => {
    lines.length = 0;
    child = await startDemoDevices({ site: file, onLine: (line) => lines.push(line) });
  });
  afterEach(async () => {
    await Promise.all(drivers.splice(0).map((driver) => driver.close()));
    await child?.stop();
  });
  after(() => folder.remove());

  /** A connected driver with what it needs to speak of points by name. */
  async function connect(id: number) {
    const channel = channels.find((each) => each.id === id) as ModbusChannel;
    const driver = createModbusDriver(channel);
    drivers.push(driver);
    await driver.connect();
    const readings = new Readings(channel.points);
    const indexOf = (kind: string, name: string): number => {
      const index = channel.points.findIndex((point) => point.kind === kind && point.name === name);
      assert.ok(index >= 0, `${kind} ${name}`);
      return index;
    };
    return {
      readings,
      poll: () => driver.poll(readings),
      read: async (kind: string, name: string): Promise<number> => {
        await driver.poll(readings);
        return readings.values[indexOf(kind, name)] as number;
      },
      write: (kind: string, name: string, value: number) =>
        driver.write(channel.points[indexOf(kind, name)] as PointDefinition, value),
    };
  }

  it('serve every point of the tables with good quality, and say so when they are ready', async () => {
    assert.match(lines.at(-1) ?? '', /^demo devices ready: 7 devices on ports \d+–\d+$/);
    for (const { id, name } of channels) {
      const { poll, readings } = await connect(id);
      const outcome = await poll();
      assert.equal(outcome.errors, 0, `${name}: ${outcome.lastError?.message}`);
      for (const [index, point] of readings.points.entries()) {
        assert.equal(readings.quality[index], GOOD, `${name}, ${point.name}: ${readings.values[index]}`);
      }
    }
  });

  it('the battery follows its set-point, and the grid meter what that leaves', async () => {
    const battery = await connect(1002);
    const outcome = await battery.write('A', 'Active power set-point', -42.5);
    assert.deepEqual([outcome.confirmed, outcome.readBack], [true, -42.5]);
    await eventually(async () => (await battery.read('T', 'Active power')) === -42.5 || undefined);
    assert.equal(await battery.read('S', 'Automatic operation active'), 0);
    assert.equal(await battery.read('S', 'Charging'), 1);
    await assert.rejects(battery.write('A', 'Active power set-point', 500));
    assert.equal(await battery.read('A', 'Active power set-point'), -42.5);
  });

  it('the open breaker ends the exchange with the grid', async () => {
    const transformer = await connect(1007);
    const meter = await connect(1003);
    assert.equal((await transformer.write('C', 'Close breaker', 0)).confirmed, true);
    await eventually(async () => (await transformer.read('S', 'Breaker closed')) === 0 || undefined);
    await eventually(async () => (await meter.read('T', 'Active power')) === 0 || undefined);
    assert.equal(await meter.read('T', 'Current L1'), 0);
    assert.equal(await transformer.read('T', 'Breaker operations'), 1);
  });

  it('the PV inverter keeps to its limit, and stops when it is switched off', async () => {
    const inverter = await connect(1001);
    assert.equal((await inverter.write('A', 'Active power limit', 2.5)).confirmed, true);
    await eventually(async () => (await inverter.read('T', 'Active power')) <= 6.25 || undefined);
    assert.equal((await inverter.write('C', 'Inverter enabled', 0)).confirmed, true);
    await eventually(async () => (await inverter.read('T', 'Active power')) === 0 || undefined);
    assert.equal(await inverter.read('T', 'Operating state'), 0);
    assert.equal(await inverter.read('A', 'Active power limit'), 2.5);
  });

  it('every control and adjustment of the site can be written', async () => {
    for (const channel of channels) {
      const { write, read } = await connect(channel.id);
      for (const { kind, name, max } of channel.points) {
        if (kind !== 'C' && kind !== 'A') continue;
        const value = kind === 'C' ? 1 : (max ?? 1);
        assert.equal((await write(kind, name, value)).confirmed, true, `${channel.name}, ${name}`);
        if (kind === 'A') assert.equal(await read(kind, name), value, `${channel.name}, ${name}`);
      }
    }
  });

  it('are started again when they die', async () => {
    const seen = lines.length;
    child?.kill();
    await eventually(() => lines.slice(seen).some((line) => line.startsWith('demo devices ready')) || undefined);
    const { poll } = await connect(1006);
    assert.equal((await poll()).errors, 0);
  });

  it('say plainly which port is taken, and what for', async () => {
    await child?.stop();
    const port = portOf(channels[2]);
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    try {
      await assert.rejects(startDemoDevices({ site: file }), (error: { code?: string; message: string }) => {
        assert.equal(error.code, 'process.start_failed');
        assert.match(
          error.message,
          new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port} for channel 1003 "Grid meter"`),
        );
        return true;
      });
    } finally {
      server.close();
    }
  });
});

describe('demo devices as a program', () => {
  let folder: Folder;
  let file: string;
  before(async () => {
    folder = await tempFolder();
    file = await copySite(folder);
  });
  after(() => folder.remove());

  const run = (args: string[]) =>
    new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      execFile(process.execPath, [PROGRAM, ...args], (error, out, err) =>
        resolve({ code: error?.code ?? 0, out, err }),
      );
    });

  for (const [how, end] of [
    ['its input closes', (program: ReturnType<typeof spawn>) => program.stdin?.end()],
    ['SIGTERM', (program: ReturnType<typeof spawn>) => program.kill('SIGTERM')],
    ['SIGINT', (program: ReturnType<typeof spawn>) => program.kill('SIGINT')],
  ] as const) {
    it(`ends in order on ${how}, also with clients connected`, async () => {
      const program = spawn(process.execPath, [PROGRAM, '--site', file, '--speed', '1'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const exited = once(program, 'exit');
      await Promise.race([once(createInterface({ input: program.stdout }), 'line'), exited]);
      const [channel] = await devicesOf(file);
      const driver = createModbusDriver(channel as ModbusChannel);
      await driver.connect();
      end(program);
      assert.deepEqual(await exited, [0, null]);
      await driver.close();
    });
  }

  it('refuses wrong options with what is allowed', async () => {
    for (const [args, text] of [
      [['--speed', 'fast'], /--speed: found "fast", allowed a number from 0\.001 to 3600/],
      [['--seed', '-1'], /'--seed'|--seed: found/],
      [['--start', 'tomorrow'], /--start: found "tomorrow", allowed a time as in ISO 8601/],
      [['--colour'], /Unknown option '--colour'[^]*Usage:/],
      [['--site', join(folder.path, 'none.yaml')], /none\.yaml/],
    ] as const) {
      const { code, err } = await run([...args]);
      assert.equal(code, 1, args.join(' '));
      assert.match(err, text);
    }
  });

  it('explains itself', async () => {
    const { code, out } = await run(['--help']);
    assert.equal(code, 0);
    assert.match(out, /^Usage: .*--site FILE/);
  });

  it('refuses a site without any of its devices', async () => {
    const other = join(folder.path, 'other.yaml');
    await writeFile(
      other,
      'site: other\nchannels:\n  - { id: 5, protocol: virtual, simulation: { site_model: {} } }\n',
    );
    const { code, err } = await run(['--site', other]);
    assert.equal(code, 1);
    assert.match(err, /site "other": found none of the demo's channels, allowed .* 1001, 1002/);
  });
});
