// A process that serves simulated Modbus TCP devices: `node main.js DESCRIPTION.json`. It prints one line of JSON,
// {"ports": […]}, when they listen, and stops in order on SIGTERM or SIGINT.
import { readFile } from 'node:fs/promises';
import { StatewattError, errorMessage } from '../../../errors/error.js';
import { checkDescription, describedDevices } from './description.js';
import { startModbusDevices } from './server.js';

async function main(file: string | undefined): Promise<void> {
  if (file === undefined) {
    throw new StatewattError('simulator.usage', 'invalid', 'no description file given: main.js DESCRIPTION.json');
  }
  const description = checkDescription(JSON.parse(await readFile(file, 'utf8')), file);
  const { host = '127.0.0.1', intervalMs = 1000 } = description;
  const { devices, update } = describedDevices(description);
  const simulator = await startModbusDevices({ host, devices });
  const begun = performance.now();
  const timer = setInterval(() => update(performance.now() - begun), intervalMs);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    await simulator.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop());
  process.stdout.write(`${JSON.stringify({ ports: simulator.devices.map(({ port }) => port) })}\n`);
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${errorMessage(error)}\n`);
  process.exitCode = 1;
});
