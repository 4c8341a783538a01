import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { SupervisedChild } from '../../../processes/child.js';
import type { Driver } from '../../../protocols/driver.js';
import { createGrpcDriver } from '../../../protocols/grpc/driver.js';
import type { PointDefinition } from '../../../site/points.js';
import { Readings } from '../../../site/readings.js';
import { grpcChannel } from '../../support/grpc-channel.js';
import { shown } from '../../support/modbus.js';
import { eventually, tempFolder } from '../../support/temp.js';

const run = promisify(execFile);
const POINTS = `    points:
      - { id: 1, name: load }
      - { id: 2, name: memory, unit: MiB }
      - { id: 3, name: nothing }
      - { id: 1, kind: S, name: busy }
      - { id: 1, kind: A, name: limit }
`;

/** The example runs on the system's Python, which may have what it needs while another one on the PATH has not. */
async function findPython(): Promise<string | undefined> {
  for (const python of ['python3', '/usr/bin/python3']) {
    const has = await run(python, ['-c', 'import grpc, google.protobuf']).then(
      () => true,
      () => false,
    );
    if (has) return python;
  }
  return undefined;
}

describe('the example of a plug-in driver in Python', function () {
  this.timeout(60_000);
  let folder: Awaited<ReturnType<typeof tempFolder>>;
  let plugin: SupervisedChild | undefined;
  let driver: Driver | undefined;
  let address = '';
  before(async function () {
    folder = await tempFolder();
    const python = await findPython();
    const made = await run('protoc', ['-I', 'schemas', `--python_out=${folder.path}`, 'schemas/driver.proto']).then(
      () => true,
      () => false,
    );
    if (python === undefined || !made) {
      console.log('      it needs python3-grpcio, python3-protobuf and protobuf-compiler');
      this.skip();
    }
    plugin = new SupervisedChild({
      name: 'plug-in driver',
      command: python,
      args: ['examples/grpc-driver/python/driver.py', '0'],
      env: { PYTHONPATH: folder.path, PYTHONDONTWRITEBYTECODE: '1' },
      ready: async (running) => {
        address = (await running.line(/on (127\.0\.0\.1:\d+)$/))[1] ?? '';
      },
    });
    await plugin.start();
  });
  afterEach(() => driver?.close());
  after(async () => {
    await plugin?.stop(0);
    await folder.remove();
  });

  for (const mode of ['stream', 'poll']) {
    it(`gives values, takes what may be set and refuses the rest (${mode})`, async () => {
      const channel = await grpcChannel(address, `    mode: ${mode}\n    polling: { interval_ms: 100 }\n${POINTS}`);
      driver = createGrpcDriver(channel);
      const readings = new Readings(channel.points);
      const limit = channel.points.find(({ name }) => name === 'limit') as PointDefinition;
      await driver.connect();
      const until = (wanted: RegExp[]) =>
        eventually(
          async () => {
            await driver?.poll(readings);
            return wanted.every((text, index) => text.test(shown(readings)[index] ?? '')) ? true : undefined;
          },
          { within: 20_000, what: `${wanted.join(', ')}, not ${shown(readings).join(', ')}` },
        );
      await until([/^[\d.]+ good$/, /^[\d.]+ good$/, /^never bad$/, /^[01] good$/]);
      assert.deepEqual(
        { ...(await driver.write(limit, 0.5)), roundTripMs: 0 },
        { written: 0.5, readBack: 0.5, confirmed: true, answer: 'ok', roundTripMs: 0 },
      );
      await until([/./, /./, /./, /./, /^0\.5 good$/]);
      await assert.rejects(driver.write(limit, 5_000), { code: 'protocol.write_refused', message: /0 to 1000/ });
    });
  }
});
