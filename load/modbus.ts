// How fast Modbus TCP is read here. `node dist/load/modbus.js [clients] [fleet] [--seconds N] [--devices N]
// [--interval MS]`; both parts when none is named. The simulated devices run in a process of their own.
//   clients: reads of 100 registers per second on one connection: modbus-serial, our driver, a bare socket.
//   fleet:   many devices, each polled by a driver of its own on a fixed interval: missed cycles, CPU, delays.
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import modbusSerial from 'modbus-serial';
import { createModbusDriver } from '../protocols/modbus/driver.js';
import type { ModbusChannel, ModbusMapping } from '../site/model.js';
import type { PointDefinition } from '../site/points.js';
import { Readings } from '../site/readings.js';
import { figure } from './support/figures.js';
import { movingDevices, startSimulator } from './support/simulator.js';

const REGISTERS = 100;

/** A channel whose points are read in `blocks` requests of `registers` registers each. */
function channel(port: number, blocks: number, registers: number, pipeline: number): ModbusChannel {
  const count = blocks * registers;
  const point = (index: number): PointDefinition => ({
    kind: 'T',
    id: index + 1,
    name: `p${index}`,
    unit: '',
    dataType: 'uint16',
    scale: 0.1,
    offset: 0,
    reverse: false,
    deadband: 0,
  });
  const mapping = (index: number): ModbusMapping => ({
    unitId: 1,
    functionCode: 3,
    address: index,
    dataType: 'uint16',
    byteOrder: 'AB',
    registers: 1,
  });
  const limits = { connectTimeoutMs: 5000, responseTimeoutMs: 3000, retries: 0, maxBitsPerRead: 2000, pauseMs: 0 };
  return {
    protocol: 'modbus',
    id: 1,
    name: 'load',
    enabled: true,
    pollingIntervalMs: 1000,
    transport: { type: 'tcp', host: '127.0.0.1', port },
    sharedConnection: false,
    limits: { ...limits, pipeline, maxGap: 0, maxRegistersPerRead: registers },
    points: Array.from({ length: count }, (_, index) => point(index)),
    mappings: Array.from({ length: count }, (_, index) => mapping(index)),
  };
}

/** Runs `work` again and again for a time; answers how often a second. */
async function rate(seconds: number, work: () => Promise<number>): Promise<number> {
  for (let warm = 0; warm < 200; warm++) await work();
  const begun = performance.now();
  let done = 0;
  while (performance.now() - begun < seconds * 1000) done += await work();
  return done / ((performance.now() - begun) / 1000);
}

async function modbusSerialRate(port: number, seconds: number, inFlight: number): Promise<number> {
  const client = new modbusSerial.default();
  await client.connectTCP('127.0.0.1', { port });
  client.setID(1);
  client.setTimeout(3000);
  const scaled = new Float64Array(REGISTERS);
  const read = async (): Promise<void> => {
    const { data } = await client.readHoldingRegisters(0, REGISTERS);
    for (let index = 0; index < REGISTERS; index++) scaled[index] = (data[index] as number) * 0.1;
  };
  try {
    return await rate(seconds, async () => {
      await Promise.all(Array.from({ length: inFlight }, read));
      return inFlight;
    });
  } finally {
    await new Promise<void>((resolve) => client.close(() => resolve()));
  }
}

/** Our driver with as many requests under way as a cycle has, the values decoded and scaled into readings. */
async function driverRate(port: number, seconds: number, registers: number, inFlight: number): Promise<number> {
  const config = channel(port, inFlight, registers, inFlight);
  const driver = createModbusDriver(config);
  const readings = new Readings(config.points);
  await driver.connect();
  try {
    return await rate(seconds, async () => (await driver.poll(readings)).reads);
  } finally {
    await driver.close();
  }
}

/** The same requests on a bare socket, answers only counted by their length: what the line gives at most. */
async function socketRate(port: number, seconds: number, registers: number, inFlight: number): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  const request = Buffer.from([0, 1, 0, 0, 0, 6, 1, 3, 0, 0, 0, registers]);
  const answerBytes = 9 + registers * 2;
  let received = 0;
  let wake: (() => void) | undefined;
  socket.on('data', (chunk: Buffer) => {
    received += chunk.length;
    if (received >= answerBytes * inFlight) wake?.();
  });
  const batch = Buffer.concat(Array.from({ length: inFlight }, () => request));
  const result = await rate(seconds, async () => {
    received = 0;
    const all = new Promise<void>((resolve) => (wake = resolve));
    socket.write(batch);
    await all;
    return inFlight;
  });
  socket.destroy();
  return result;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** Each in turn, three rounds, the median: other load on the machine then hits all alike. */
async function clients(seconds: number): Promise<void> {
  const simulator = await startSimulator(movingDevices(1));
  const port = simulator.ports[0] as number;
  const contenders: [string, () => Promise<number>][] = [
    ['modbus-serial, 100 registers, one at a time', () => modbusSerialRate(port, seconds, 1)],
    ['our driver,    100 registers, one at a time', () => driverRate(port, seconds, 100, 1)],
    ['bare socket,   100 registers, one at a time', () => socketRate(port, seconds, 100, 1)],
    ['modbus-serial, 100 registers, 16 under way', () => modbusSerialRate(port, seconds, 16)],
    ['our driver,    100 registers, 16 under way', () => driverRate(port, seconds, 100, 16)],
    ['bare socket,   100 registers, 16 under way', () => socketRate(port, seconds, 100, 16)],
    ['our driver,    1 register, 64 under way', () => driverRate(port, seconds, 1, 64)],
    ['bare socket,   1 register, 64 under way', () => socketRate(port, seconds, 1, 64)],
  ];
  const rates = contenders.map((): number[] => []);
  for (let round = 0; round < 3; round++) {
    for (const [index, [, measure]] of contenders.entries()) rates[index]?.push(await measure());
  }
  await simulator.stop();
  for (const [what, ours, serial, socket] of [
    ['reads of 100 registers, one at a time', 1, 0, 2],
    ['reads of 100 registers, 16 under way', 4, 3, 5],
  ] as const) {
    const value = median(rates[ours] ?? []);
    const least = { aim: { least: 1, of: 'ratio' } } as const;
    figure({
      what,
      value,
      unit: '/s',
      beside: { what: 'modbus-serial', value: median(rates[serial] ?? []) },
      ...least,
    });
    figure({
      what: 'the same',
      value,
      unit: '/s',
      beside: { what: 'a bare socket', value: median(rates[socket] ?? []) },
    });
  }
  const base = median(rates[0] ?? []);
  for (const [index, [name]] of contenders.entries()) {
    const reads = median(rates[index] ?? []);
    console.log(`${name.padEnd(46)} ${reads.toFixed(0).padStart(8)} reads/s ${(reads / base).toFixed(1).padStart(6)}x`);
  }
}

async function fleet(seconds: number, count: number, intervalMs: number): Promise<void> {
  const simulator = await startSimulator(movingDevices(count));
  const stations = simulator.ports.map((port) => {
    const config = channel(port, 1, REGISTERS, 1);
    return { driver: createModbusDriver(config), readings: new Readings(config.points), busy: false };
  });
  await Promise.all(stations.map(({ driver }) => driver.connect()));
  let [cycles, missed, failed] = [0, 0, 0];
  const roundTrips: number[] = [];
  const poll = async (station: (typeof stations)[number]): Promise<void> => {
    if (station.busy) {
      missed += 1;
      return;
    }
    station.busy = true;
    const outcome = await station.driver.poll(station.readings);
    station.busy = false;
    cycles += 1;
    failed += outcome.errors;
    for (const ms of outcome.roundTrips) roundTrips.push(ms);
  };
  const polls = new Set<Promise<void>>();
  const begunCpu = process.cpuUsage();
  const begun = performance.now();
  // All at once: the hardest case, where every device's turn comes in the same moment.
  const timer = setInterval(() => {
    for (const station of stations) {
      const done: Promise<void> = poll(station).finally(() => polls.delete(done));
      polls.add(done);
    }
  }, intervalMs);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000 + intervalMs / 2));
  clearInterval(timer);
  await Promise.all(polls);
  const took = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(begunCpu);
  roundTrips.sort((left, right) => left - right);
  const at = (share: number): string => (roundTrips[Math.floor((roundTrips.length - 1) * share)] ?? NaN).toFixed(1);
  console.log(
    `${count} devices every ${intervalMs} ms for ${seconds} s: ${cycles} cycles, ${missed} missed, ${failed} failed; ` +
      `${((cycles * REGISTERS) / took).toFixed(0)} points/s; CPU ${(((user + system) / 1e6 / took) * 100).toFixed(0)} % ` +
      `of one core; round trip p50 ${at(0.5)} p99 ${at(0.99)} ms; ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`,
  );
  await Promise.all(stations.map(({ driver }) => driver.close()));
  await simulator.stop();
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string' }, devices: { type: 'string' }, interval: { type: 'string' } },
});
const wanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part);
if (wanted('clients')) await clients(Number(values.seconds ?? 1));
if (wanted('fleet'))
  await fleet(Number(values.seconds ?? 10), Number(values.devices ?? 1000), Number(values.interval ?? 1000));
