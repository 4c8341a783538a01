import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SupervisedChild } from '../../processes/child.js';
import { tempFolder } from '../support/temp.js';

const SIMULATOR = fileURLToPath(new URL('../../protocols/modbus/simulator/main.js', import.meta.url));
const POINTS = 'point_id,signal_name,scale,offset,unit,reverse,data_type\n';
const MAPPING = 'point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position\n';

export const VIRTUAL_CHANNELS = 12;
export const MODBUS_CHANNELS = 8;
export const CHANNELS = VIRTUAL_CHANNELS + MODBUS_CHANNELS;

/** A configuration of twenty channels at 100 and 200 ms, and the process of simulated devices that eight of them read. */
export interface ChaosSite {
  readonly path: string;
  close(): Promise<void>;
}

/** `more`: further keys of the site file. */
export async function makeChaosSite(more = ''): Promise<ChaosSite> {
  const folder = await tempFolder();
  const simulator = await startSimulator(folder.path);
  const virtual = Array.from({ length: VIRTUAL_CHANNELS }, (_, index) => virtualChannel(1 + index));
  const modbus = simulator.ports.map((port, index) => modbusChannel(101 + index, port));
  await mkdir(join(folder.path, 'device', 'mapping'), { recursive: true });
  await writeFile(join(folder.path, 'site.yaml'), `site: chaos\nchannels:${virtual.join('')}${modbus.join('')}${more}`);
  await writeFile(
    join(folder.path, 'device', 'telemetry.csv'),
    `${POINTS}1,Counter,1,0,,0,uint16\n2,Power,0.1,0,kW,0,float\n3,Voltage,1,0,V,0,float\n`,
  );
  await writeFile(
    join(folder.path, 'device', 'mapping', 'telemetry_mapping.csv'),
    `${MAPPING}1,1,3,0,uint16,AB,\n2,1,3,1,int16,AB,\n3,1,3,2,float32,ABCD,\n`,
  );
  return {
    path: join(folder.path, 'site.yaml'),
    close: async () => {
      await simulator.child.stop();
      await folder.remove();
    },
  };
}

function virtualChannel(id: number): string {
  return `
  - id: ${id}
    protocol: virtual
    polling: { interval_ms: ${id % 2 === 0 ? 100 : 200} }
    simulation:
      patterns:
        - { type: ramp, point_id: 1, from: 0, to: 1000, duration_ms: 60000 }
        - { type: random_walk, point_id: 2, initial_value: 0, step_size: 1, bounds: [-50, 50] }
        - { type: sine, point_id: 3, amplitude: 100, frequency: 0.1, phase: 0, offset: 50 }
        - { type: step, point_id: 1, kind: S, values: [0, 1], duration_ms: 300 }
`;
}

function modbusChannel(id: number, port: number): string {
  return `
  - { id: ${id}, protocol: modbus, address: "127.0.0.1:${port}", polling: { interval_ms: 200 }, tables: device }
`;
}

async function startSimulator(folder: string): Promise<{ ports: number[]; child: SupervisedChild }> {
  const file = join(folder, 'devices.json');
  const units = {
    1: [
      { area: 'holding', address: 0, value: { type: 'ramp', from: 0, to: 60_000, durationMs: 60_000, repeat: true } },
      {
        area: 'holding',
        address: 1,
        dataType: 'int16',
        value: { type: 'random-walk', initialValue: 0, stepSize: 5, min: -1000, max: 1000 },
      },
      {
        area: 'holding',
        address: 2,
        dataType: 'float32',
        value: { type: 'sine', amplitude: 5, frequencyHz: 0.1, phase: 0, offset: 230 },
      },
    ],
  };
  const devices = Array.from({ length: MODBUS_CHANNELS }, () => ({ port: 0, units }));
  await writeFile(file, JSON.stringify({ intervalMs: 100, devices }));
  let ports: number[] = [];
  const child = new SupervisedChild({
    name: 'simulated devices',
    command: process.execPath,
    args: [SIMULATOR, file],
    ready: async (running) => {
      const [line] = await running.line(/^\{.*\}$/);
      ({ ports } = JSON.parse(line) as { ports: number[] });
    },
  });
  await child.start();
  return { ports, child };
}
