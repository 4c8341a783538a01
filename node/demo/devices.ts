import { StatewattError, errorMessage } from '../../errors/error.js';
import { startModbusDevices } from '../../protocols/modbus/simulator/index.js';
import type { ChannelConfig, ModbusChannel, Site } from '../../site/model.js';
import { batterySystem } from './battery-system.js';
import { ChannelRegisters } from './channel-registers.js';
import { evCharger } from './ev-charger.js';
import { buildingMeter, gridMeter } from './meters.js';
import { Plant, type PlantOptions } from './plant.js';
import { pvInverter } from './pv-inverter.js';
import type { DeviceSignals } from './signals.js';
import { transformer } from './transformer.js';
import { weatherStation } from './weather-station.js';

/** The devices of the demo by the id of their channel in demo/site.yaml. */
export const DEMO_DEVICES: Readonly<Record<number, (plant: Plant) => DeviceSignals>> = {
  1001: pvInverter,
  1002: batterySystem,
  1003: gridMeter,
  1004: buildingMeter,
  1005: evCharger,
  1006: weatherStation,
  1007: transformer,
};

const HOST = '127.0.0.1';
/** Real time between two updates of the registers. */
const REFRESH_MS = 100;

export interface ServedDevices {
  readonly plant: Plant;
  /** Ascending. */
  readonly ports: readonly number[];
  /** Points that the site's tables name and no device has. */
  readonly unknown: readonly string[];
  close(): Promise<void>;
}

/**
 * Runs one plant and serves it as the Modbus TCP devices that the site's channels speak to: the channels of
 * DEMO_DEVICES that are on this machine; a channel that a person has pointed at a real device is left alone.
 * `onError` is told when the simulation cannot go on; the registers then keep their last values.
 * @throws StatewattError `demo.no_devices`, `demo.value_does_not_fit`, `simulator.port_taken`
 */
export async function serveDemoDevices(
  site: Site,
  options: PlantOptions & { onError: (error: unknown) => void },
): Promise<ServedDevices> {
  const plant = new Plant(options);
  const channels = site.channels.filter(isSimulated);
  if (channels.length === 0) throw noDevices(site);
  const registers = channels.map((channel) => {
    const device = DEMO_DEVICES[channel.id] as (plant: Plant) => DeviceSignals;
    return new ChannelRegisters(channel, device(plant));
  });
  const refresh = (): void => {
    for (const device of registers) device.refresh();
  };
  refresh();
  const devices = await startModbusDevices({
    host: HOST,
    devices: channels.map(({ transport }, index) => ({
      port: transport.port,
      units: (registers[index] as ChannelRegisters).units,
    })),
  }).catch((error: unknown) => {
    throw portTaken(error, channels);
  });

  let steppedAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    try {
      plant.step(now - steppedAt);
      refresh();
    } catch (error) {
      clearInterval(timer);
      options.onError(error);
    }
    steppedAt = now;
  }, REFRESH_MS);
  return {
    plant,
    ports: devices.devices.map((device) => device.port).sort((a, b) => a - b),
    unknown: registers.flatMap(({ channel, unknown }) => unknown.map((point) => `channel ${channel.id}, ${point}`)),
    close: () => {
      clearInterval(timer);
      return devices.close();
    },
  };
}

type LocalChannel = ModbusChannel & { transport: { type: 'tcp' } };

function isSimulated(channel: ChannelConfig): channel is LocalChannel {
  return (
    channel.enabled &&
    DEMO_DEVICES[channel.id] !== undefined &&
    channel.protocol === 'modbus' &&
    channel.transport.type === 'tcp' &&
    (channel.transport.host === HOST || channel.transport.host === 'localhost')
  );
}

function noDevices(site: Site): StatewattError {
  const allowed = `an enabled Modbus TCP channel on ${HOST} with one of the ids ${Object.keys(DEMO_DEVICES).join(', ')}`;
  return new StatewattError(
    'demo.no_devices',
    'invalid',
    `site "${site.name}": found none of the demo's channels, allowed ${allowed}`,
  );
}

/** Says which device the port was for, and what helps. */
function portTaken(error: unknown, channels: readonly LocalChannel[]): unknown {
  if (!(error instanceof StatewattError) || error.code !== 'simulator.port_taken') return error;
  const channel = channels.find(({ transport }) => transport.port === error.details?.['port']);
  const device = channel === undefined ? '' : ` for channel ${channel.id} "${channel.name}"`;
  const message = `${error.message}${device}: ${errorMessage(error.cause)}; free the port, or name another in the site file`;
  return new StatewattError(error.code, error.category, message, { cause: error, details: error.details ?? {} });
}
