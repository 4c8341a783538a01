import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SimulatorDescription } from '../../protocols/modbus/simulator/description.js';

export interface Simulator {
  readonly pid: number;
  readonly ports: readonly number[];
  stop(): Promise<void>;
}

/** Simulated Modbus devices in a process of their own. */
export async function startSimulator(description: SimulatorDescription): Promise<Simulator> {
  const folder = await mkdtemp(join(tmpdir(), 'statewatt-load-'));
  const file = join(folder, 'devices.json');
  await writeFile(file, JSON.stringify(description));
  const main = new URL('../../protocols/modbus/simulator/main.js', import.meta.url).pathname;
  const child = spawn(process.execPath, [main, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, 'line'), exited])) as unknown[];
  if (typeof line !== 'string') throw new Error('the simulator did not start');
  const { ports } = JSON.parse(line) as { ports: number[] };
  return {
    pid: child.pid as number,
    ports,
    stop: async () => {
      child.kill();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
}

/** Devices with 100 holding registers of which a tenth move. */
export function movingDevices(count: number, registers = 100): SimulatorDescription {
  return {
    devices: [
      {
        port: 0,
        count,
        units: {
          '1': Array.from({ length: registers }, (_, address) => ({
            area: 'holding',
            address,
            value:
              address % 10 === 0 ? { type: 'random-walk', initialValue: 500, stepSize: 5, min: 0, max: 1000 } : address,
          })),
        },
      },
    ],
  };
}
