// Node-RED with its Modbus nodes (node-red-contrib-modbus), without an editor: `node node-red.mjs <interval in ms> <seconds>
// <port>,<port>,…`. A read node for each device takes 100 holding registers, a function node counts what comes out.
// Prints points a second, CPU and memory as JSON.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [interval, seconds, ports] = process.argv.slice(2);
const REGISTERS = 100;
const folder = await mkdtemp(join(tmpdir(), 'statewatt-node-red-'));
await writeFile(join(folder, 'package.json'), '{}');
const RED = createRequire(import.meta.url)('node-red');
let points = 0;

const flow = ports.split(',').flatMap((port, index) => [
  {
    ...{ id: `client${index}`, type: 'modbus-client', name: '', clienttype: 'tcp', bufferCommands: true },
    ...{ stateLogEnabled: false, queueLogEnabled: false, failureLogEnabled: false, showErrors: false },
    ...{ tcpHost: '127.0.0.1', tcpPort: port, tcpType: 'DEFAULT', unit_id: 1, commandDelay: 1, clientTimeout: 5000 },
    ...{ reconnectOnTimeout: true, reconnectTimeout: 2000, parallelUnitIdsAllowed: true },
  },
  {
    ...{ id: `read${index}`, type: 'modbus-read', z: 'flow', name: '', unitid: '1', dataType: 'HoldingRegister' },
    ...{ adr: '0', quantity: String(REGISTERS), rate: interval, rateUnit: 'ms', server: `client${index}` },
    ...{ showStatusActivities: false, logIOActivities: false, showErrors: false, delayOnStart: false },
    ...{ useIOFile: false, ioFile: '', useIOForPayload: false, emptyMsgOnFail: false },
    wires: [['count'], []],
  },
]);
const count = {
  ...{ id: 'count', type: 'function', z: 'flow', name: '', outputs: 0, wires: [] },
  func: "global.get('count')(msg.payload.length);",
};

RED.init(createServer(), {
  userDir: folder,
  nodesDir: join(import.meta.dirname, 'node_modules/node-red-contrib-modbus'),
  httpAdminRoot: false,
  httpNodeRoot: false,
  logging: { console: { level: 'error' } },
  functionGlobalContext: { count: (found) => (points += found) },
  storageModule: {
    init: () => Promise.resolve(),
    getFlows: () => Promise.resolve([{ id: 'flow', type: 'tab' }, ...flow, count]),
    getCredentials: () => Promise.resolve({}),
    getSettings: () => Promise.resolve({}),
    saveFlows: () => Promise.resolve(),
    saveCredentials: () => Promise.resolve(),
    saveSettings: () => Promise.resolve(),
    getSessions: () => Promise.resolve({}),
    saveSessions: () => Promise.resolve(),
    getLibraryEntry: () => Promise.resolve([]),
    saveLibraryEntry: () => Promise.resolve(),
  },
});
await RED.start();
for (const end = Date.now() + 60_000; points === 0;) {
  if (Date.now() > end) throw new Error('nothing was read within a minute');
  await new Promise((resolve) => setTimeout(resolve, 100));
}
await new Promise((resolve) => setTimeout(resolve, 3_000));
const [from, at, cpu] = [points, performance.now(), process.cpuUsage()];
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1_000));
const took = (performance.now() - at) / 1_000;
const { user, system } = process.cpuUsage(cpu);
console.log(
  JSON.stringify({
    rate: (points - from) / took,
    cores: (user + system) / 1e6 / took,
    residentMb: process.memoryUsage().rss / 1024 ** 2,
  }),
);
await rm(folder, { recursive: true, force: true, maxRetries: 5 });
process.exit(0);
