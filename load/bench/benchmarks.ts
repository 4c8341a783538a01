/** One program of load/. */
export interface Benchmark {
  readonly name: string;
  /** What it measures, for a heading. */
  readonly title: string;
  /** Its program below dist/load. */
  readonly program: string;
  readonly args: readonly string[];
  /** Instead of `args`, for a run of about a minute. */
  readonly quick: readonly string[];
  /** Whether it is nothing without load/peers. */
  readonly needsPeers?: true;
}

/** All of load/ that `npm run bench` runs, in this order. */
export const BENCHMARKS: readonly Benchmark[] = [
  {
    name: 'facade',
    title: 'A live point over HTTP',
    program: 'facade/main.js',
    args: [],
    quick: ['--rounds', '2', '--seconds', '1'],
    needsPeers: true,
  },
  {
    name: 'actors',
    title: 'Durable actors',
    program: 'actors/main.js',
    args: [],
    quick: ['--seconds', '2', '--growth', '1000,10000'],
  },
  {
    name: 'modbus',
    title: 'Modbus clients',
    program: 'modbus.js',
    args: ['clients'],
    quick: ['clients', '--seconds', '0.5'],
  },
  {
    name: 'node-red',
    title: 'Beside Node-RED',
    program: 'node-red/main.js',
    args: [],
    quick: ['--seconds', '5'],
    needsPeers: true,
  },
  {
    name: 'pipeline',
    title: 'From a device to history',
    program: 'pipeline/main.js',
    args: [],
    quick: ['--seconds', '8', '--raw-seconds', '2'],
  },
  {
    name: 'devices',
    title: 'TC-PERF-001 with 1,000 devices',
    program: 'devices/main.js',
    args: [],
    quick: ['--seconds', '5', '--per-second', '100'],
  },
  {
    name: 'rules',
    title: 'From a register to the alarm',
    program: 'rules/main.js',
    args: [],
    quick: ['--channels', '200', '--rules', '2000', '--per-second', '20'],
  },
  { name: 'alarms', title: 'Flood of alarms', program: 'alarms/main.js', args: [], quick: ['--alarms', '4000'] },
  { name: 'models', title: 'Models in bulk', program: 'models/main.js', args: [], quick: ['--models', '2000'] },
  {
    name: 'readings',
    title: 'Signed readings',
    program: 'readings/main.js',
    args: [],
    quick: ['--readings', '20000'],
  },
  {
    name: 'ledger',
    title: 'The ledger of readings',
    program: 'ledger/main.js',
    args: [],
    quick: ['--readings', '200000'],
  },
  {
    name: 'mint',
    title: 'From signed readings to tokens',
    program: 'mint/main.js',
    args: [],
    quick: ['--readings', '20000', '--meters', '100'],
  },
  {
    name: 'chain',
    title: 'Verifying and minting',
    program: 'chain/main.js',
    args: ['verify', 'mint'],
    quick: ['verify', 'mint'],
  },
  { name: 'history', title: 'What history takes', program: 'history/main.js', args: [], quick: ['--frames', '10000'] },
  { name: 'websocket', title: 'The WebSocket', program: 'websocket/main.js', args: ['5'], quick: ['2'] },
  {
    name: 'redis-functions',
    title: 'Redis Functions',
    program: 'redis-functions/main.js',
    args: [],
    quick: ['--models', '500'],
  },
  {
    name: 'takeover',
    title: 'Takeover of a dead node’s actors',
    program: 'takeover.js',
    args: [],
    quick: ['--kills', '3', '--zombies', '2'],
  },
];
