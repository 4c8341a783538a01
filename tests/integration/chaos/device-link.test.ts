import assert from 'node:assert/strict';
import { DeviceLink, type AnswerFault } from '../../../chaos/device-link.js';
import type { Driver } from '../../../protocols/driver.js';
import { createModbusDriver } from '../../../protocols/modbus/driver.js';
import { RegisterBank, startModbusDevices, type ModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import { createRandom } from '../../../protocols/virtual/random.js';
import { Readings } from '../../../site/readings.js';
import { modbusChannel, shown } from '../../support/modbus.js';

const PLAIN: Omit<AnswerFault, 'mode'> = { share: 1, delayMs: 0, jitterMs: 0, code: 4 };

describe('wrong answers of Modbus devices', () => {
  const bank = new RegisterBank();
  let devices: ModbusDevices;
  let link: DeviceLink;
  let driver: Driver;
  let readings: Readings;

  before(async () => {
    devices = await startModbusDevices({ devices: [{ port: 0, units: { 1: bank } }] });
    link = await DeviceLink.open(devices.devices[0]?.port ?? 0, createRandom(1));
  });
  beforeEach(async () => {
    bank.holding.setUint16(0, 7);
    const channel = modbusChannel(link.port, [{ address: 0 }], { responseTimeoutMs: 300 });
    driver = createModbusDriver(channel, { now: () => 1_700_000_000_000 });
    readings = new Readings(channel.points);
    await driver.connect();
    assert.equal(await polled(), '7 good');
  });
  afterEach(async () => {
    link.heal();
    await driver.close();
  });
  after(async () => {
    await link.close();
    await devices.close();
  });

  async function polled(): Promise<string | undefined> {
    await driver.poll(readings);
    return shown(readings)[0];
  }

  it('pass as they are while there is no fault, and for the share that has none', async () => {
    bank.holding.setUint16(0, 8);
    assert.equal(await polled(), '8 good');
    link.fail({ ...PLAIN, mode: 'exception', share: 1e-9 });
    bank.holding.setUint16(0, 9);
    assert.equal(await polled(), '9 good');
  });

  it('are late', async () => {
    link.fail({ ...PLAIN, mode: 'slow', delayMs: 100 });
    const begun = performance.now();
    assert.equal(await polled(), '7 good');
    assert.ok(performance.now() - begun >= 90);
  });

  it('are exceptions', async () => {
    link.fail({ ...PLAIN, mode: 'exception' });
    assert.notEqual(await polled(), '7 good');
    link.heal();
    assert.equal(await polled(), '7 good');
  });

  for (const mode of ['wrong-transaction', 'truncated'] as const) {
    it(`are ${mode}: none is taken for an answer`, async () => {
      link.fail({ ...PLAIN, mode });
      bank.holding.setUint16(0, 9);
      await assert.rejects(polled());
      assert.doesNotMatch(shown(readings)[0] ?? '', /^9/);
    });
  }

  it('are stuck: the first since then, under each transaction of its own', async () => {
    link.fail({ ...PLAIN, mode: 'stuck' });
    assert.equal(await polled(), '7 good');
    bank.holding.setUint16(0, 9);
    assert.equal(await polled(), '7 good');
    link.heal();
    assert.equal(await polled(), '9 good');
  });
});
