import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SimulatorDescription } from '../../protocols/modbus/simulator/description.js';

/** Unit ids behind one port, as behind a gateway. */
export const UNITS = 200;
/** Registers of each device, one point each. */
export const REGISTERS = 10;
/** The first register is changed by hand: above it the alarm is raised. */
export const LIMIT = 500;
/** Of the first channel. */
const FIRST = 1001;

/** Where a channel's device is. */
export interface Station {
  readonly channel: number;
  readonly port: number;
  readonly unit: number;
}

/** Devices of which half of the registers move once a second. */
export function devices(channels: number): SimulatorDescription {
  const values = Array.from({ length: REGISTERS }, (_, address) => ({
    area: 'holding' as const,
    address,
    value:
      address >= REGISTERS / 2
        ? ({ type: 'random-walk', initialValue: 500, stepSize: 5, min: 0, max: 1000 } as const)
        : 0,
  }));
  const count = Math.ceil(channels / UNITS);
  const units = Object.fromEntries(Array.from({ length: UNITS }, (_, index) => [String(index + 1), values]));
  return { devices: [{ port: 0, count, units }] };
}

export function stationsOf(channels: number, ports: readonly number[]): Station[] {
  return Array.from({ length: channels }, (_, index) => ({
    channel: FIRST + index,
    port: ports[Math.floor(index / UNITS)] as number,
    unit: 1 + (index % UNITS),
  }));
}

export interface SiteShape {
  readonly intervalMs: number;
  readonly deadband: number;
  /** Of a connection that the channels of a port share; undefined: each has its own. */
  readonly pipeline: number | undefined;
  /** Rules in all: one for each channel raises its alarm, the others never fire. */
  readonly rules: number;
}

/** Writes site.yaml; answers its path. */
export async function writeSite(
  folder: string,
  stations: readonly Station[],
  { intervalMs, deadband, pipeline, rules }: SiteShape,
): Promise<string> {
  const points = Array.from(
    { length: REGISTERS },
    (_, address) =>
      `{ id: ${address + 1}, name: P${address + 1}, function_code: 3, register_address: ${address}, ` +
      `data_type: uint16, deadband: ${deadband} }`,
  ).join(', ');
  const sharing = pipeline === undefined ? '' : `share_connection: true, limits: { pipeline: ${pipeline} }, `;
  const channels = stations.map(
    ({ channel, port, unit }) =>
      `  - { id: ${channel}, protocol: modbus, address: '127.0.0.1:${port}', slave_id: ${unit}, ${sharing}` +
      `polling: { interval_ms: ${intervalMs} }, points: [${points}] }`,
  );
  const written = Array.from({ length: rules }, (_, index) => {
    const { channel } = stations[index % stations.length] as Station;
    if (index < stations.length) {
      return `  - { id: r${channel}, condition: '${channel}:T:1 > ${LIMIT}', actions: [{ type: alarm, level: Major }] }`;
    }
    const point = 2 + (Math.floor(index / stations.length) % (REGISTERS - 1));
    return `  - { id: q${index}, condition: '${channel}:T:${point} + ${channel}:T:1 > 100000', actions: [{ type: alarm, level: Info }] }`;
  });
  const path = join(folder, 'site.yaml');
  await writeFile(
    path,
    ['site: Load', 'channels:', ...channels, 'rules:', ...(rules === 0 ? ['  []'] : written), ''].join('\n'),
  );
  return path;
}
