import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LEVEL, LEVEL_CONDITION, LEVEL_RULE, LEVEL_SIGNAL } from './level.js';
import type { ScenarioMinting } from './scenario.js';

/** Ports on which the simulated devices of a run listen. */
export const DEVICE_PORTS = 4;
export const COUNTER_POINT = 'count';

export const counterModel = (index: number): string => `chaos_${index}`;

export interface ChaosSiteOptions {
  readonly channels: number;
  readonly actors: number;
  readonly devicePorts: readonly number[];
  readonly minting?: ScenarioMinting | undefined;
  /** Further keys of the site file. */
  readonly more?: string;
}

const POINTS = 'point_id,signal_name,scale,offset,unit,reverse,data_type\n';
const MAPPING = 'point_id,slave_id,function_code,register_address,data_type,byte_order,bit_position\n';

/**
 * The site of a run: half of its channels virtual, half over Modbus TCP, models that hold what they are set to, for
 * the commands of the load, and an alarm that comes and goes. Answers the path of site.yaml.
 */
export async function writeChaosSite(
  folder: string,
  { channels, actors, devicePorts, minting, more = '' }: ChaosSiteOptions,
): Promise<string> {
  const parts = Array.from({ length: channels }, (_, index) =>
    index % 2 === 0
      ? virtualChannel(index + 1)
      : modbusChannel(index + 1, devicePorts[(index >> 1) % devicePorts.length] ?? 0),
  );
  const models = Array.from(
    { length: actors },
    (_, index) => `{ id: ${counterModel(index)}, template: chaos_counter }`,
  );
  await mkdir(join(folder, 'device', 'mapping'), { recursive: true });
  await writeFile(
    join(folder, 'device', 'telemetry.csv'),
    `${POINTS}1,Counter,1,0,,0,uint16\n2,Power,0.1,0,kW,0,float\n3,Level,1,0,,0,uint16\n`,
  );
  await writeFile(
    join(folder, 'device', 'mapping', 'telemetry_mapping.csv'),
    `${MAPPING}1,1,3,0,uint16,AB,\n2,1,3,1,int16,AB,\n3,1,3,2,uint16,AB,\n`,
  );
  await writeFile(
    join(folder, 'counter.yaml'),
    `id: chaos_counter\nname: Counter\nproduct: chaos\npoints:\n  - { name: ${COUNTER_POINT}, kind: A, min: 0 }\n`,
  );
  const site = join(folder, 'site.yaml');
  await writeFile(
    site,
    `site: chaos\nchannels:${parts.join('')}\ntemplates: [counter.yaml]\nmodels: [${models.join(', ')}]\n${levelAlarm(channels)}${tokenization(minting)}${more}`,
  );
  return site;
}

/** Where there is a channel that reads it. */
function levelAlarm(channels: number): string {
  if (channels < LEVEL.channel) return '';
  return `rules:
  - id: ${LEVEL_RULE}
    condition: ${LEVEL_CONDITION}
    actions:
      - { type: alarm, level: Warning, title: Level }
`;
}

/** No reading is held, and a batch is tried for as long as a run lasts. */
function tokenization(minting: ScenarioMinting | undefined): string {
  if (minting === undefined) return '';
  return `tokenization:
  polling_interval_secs: 1
  batch_size: ${minting.batchSize}
  anomaly_deviations: 0
  max_retry_attempts: 10
  initial_retry_delay_secs: 1
`;
}

function virtualChannel(id: number): string {
  return `
  - id: ${id}
    protocol: virtual
    polling: { interval_ms: 200 }
    simulation:
      patterns:
        - { type: ramp, point_id: 1, from: 0, to: 1000, duration_ms: 60000 }
        - { type: random_walk, point_id: 2, initial_value: 0, step_size: 1, bounds: [-50, 50] }
        - { type: step, point_id: 1, kind: S, values: [0, 1], duration_ms: 3000 }`;
}

function modbusChannel(id: number, port: number): string {
  return `
  - { id: ${id}, protocol: modbus, address: "127.0.0.1:${port}", polling: { interval_ms: 200 }, tables: device }`;
}

/** What the program of simulated devices is told: so many devices, each on a port that is free. */
export function deviceFile(ports: readonly number[]): string {
  const units = {
    1: [
      { area: 'holding', address: 0, value: { type: 'ramp', from: 0, to: 60_000, durationMs: 60_000, repeat: true } },
      {
        area: 'holding',
        address: 1,
        dataType: 'int16',
        value: { type: 'random-walk', initialValue: 0, stepSize: 5, min: -1000, max: 1000 },
      },
      { area: 'holding', address: 2, value: LEVEL_SIGNAL },
    ],
  };
  return JSON.stringify({ intervalMs: 100, devices: ports.map((port) => ({ port, units })) });
}
