import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEVICE_PORTS, deviceFile, writeChaosSite } from '../../chaos/site.js';
import { SupervisedChild } from '../../processes/child.js';
import { tempFolder } from '../support/temp.js';

const SIMULATOR = fileURLToPath(new URL('../../protocols/modbus/simulator/main.js', import.meta.url));

export const CHANNELS = 20;

/** The site of chaos runs, with the process of simulated devices that half of its channels read. */
export interface ChaosSite {
  readonly path: string;
  close(): Promise<void>;
}

/** `more`: further keys of the site file. */
export async function makeChaosSite(more = ''): Promise<ChaosSite> {
  const folder = await tempFolder();
  const { ports, child } = await startSimulator(folder.path);
  const path = await writeChaosSite(folder.path, { channels: CHANNELS, actors: 0, devicePorts: ports, more });
  return {
    path,
    close: async () => {
      await child.stop();
      await folder.remove();
    },
  };
}

async function startSimulator(folder: string): Promise<{ ports: number[]; child: SupervisedChild }> {
  const file = join(folder, 'devices.json');
  await writeFile(file, deviceFile(Array.from({ length: DEVICE_PORTS }, () => 0)));
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
