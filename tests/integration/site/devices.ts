import { RegisterBank, startModbusDevices } from '../../../protocols/modbus/simulator/index.js';
import { startPymodbus, type PymodbusTables } from '../../support/pymodbus.js';
import { freePort } from '../../support/temp.js';

/** A Modbus TCP device, unit 1, for the cases that are run against more than one make. */
export interface TestDevice {
  readonly port: number;
  set(tables: PymodbusTables): Promise<void>;
  /** Drops every connection and listens no more. */
  stop(): Promise<void>;
}

/** A make of device: a program that answers as one. */
export interface Make {
  readonly name: string;
  /** All that is not in the tables reads 0. `port`: default, a free one. */
  start(tables: PymodbusTables, port?: number): Promise<TestDevice>;
}

const pymodbus: Make = {
  name: 'pymodbus',
  async start(tables, port) {
    const device = await startPymodbus({ units: { 1: tables }, ...(port === undefined ? {} : { port }) });
    return { port: device.port, set: (next) => device.set(1, next), stop: () => device.stop() };
  },
};

const simulator: Make = {
  name: 'the simulator',
  async start(tables, port) {
    const bank = new RegisterBank();
    const set = (next: PymodbusTables): void => {
      for (const area of ['holding', 'input'] as const) {
        for (const [address, value] of Object.entries(next[area] ?? {})) {
          bank[area].setUint16(Number(address), Number(value));
        }
      }
      for (const area of ['coils', 'discrete'] as const) {
        for (const [address, value] of Object.entries(next[area] ?? {}))
          bank[area].set(Number(address), value === true);
      }
    };
    set(tables);
    const devices = await startModbusDevices({ devices: [{ port: port ?? (await freePort()), units: { 1: bank } }] });
    return {
      port: devices.devices[0]?.port as number,
      set: async (next) => set(next),
      stop: () => devices.close(),
    };
  },
};

export const MAKES: readonly Make[] = [pymodbus, simulator];
