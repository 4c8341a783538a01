import assert from 'node:assert/strict';
import { checkDescription, describedDevices } from '../../../protocols/modbus/simulator/description.js';
import type { RegisterBank } from '../../../protocols/modbus/simulator/index.js';

describe('description of simulated modbus devices', () => {
  const ramp = { type: 'ramp', from: 0, to: 100, durationMs: 1000, repeat: true };

  it('sets what stays and moves what moves', () => {
    const description = checkDescription(
      {
        devices: [
          {
            port: 5020,
            count: 2,
            units: {
              1: [
                { area: 'holding', address: 3, value: 12 },
                { area: 'input', address: 4, dataType: 'float32', byteOrder: 'CDAB', value: ramp },
                { area: 'coils', address: 5, value: 1 },
              ],
            },
          },
        ],
      },
      'x.json',
    );
    const { devices, update } = describedDevices(description);
    assert.deepEqual(
      devices.map(({ port }) => port),
      [5020, 5021],
    );
    update(250);
    for (const { units } of devices) {
      const bank = units[1] as RegisterBank;
      assert.equal(bank.holding.getUint16(3), 12);
      assert.equal(bank.input.getNumber(4, 'float32', 'CDAB'), 25);
      assert.equal(bank.coils.get(5), true);
    }
  });

  it('names every fault and what is allowed', () => {
    const wrong = {
      devices: [{ port: 70_000, units: { 1: [{ area: 'relays', address: 1, value: 1, colour: 'red' }] } }],
    };
    assert.throws(
      () => checkDescription(wrong, 'x.json'),
      (error: Error) =>
        error.message.startsWith('x.json:') &&
        /\/devices\/0\/port must be <= 65535/.test(error.message) &&
        /area .*\(holding, input, coils, discrete\)/.test(error.message) &&
        error.message.includes('(colour)'),
    );
  });
});
