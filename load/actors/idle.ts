// What actors cost that have nothing to do: `node --expose-gc dist/load/actors/idle.js [--actors N] [--timers N]`.
// First N counters, active and then out of memory; then N actors that each wait for a timer of one hour.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import Type from 'typebox';
import { setup } from 'xstate';
import { defineKind } from '../../actors/runtime/kind.js';
import { createSystem, ref } from '../../actors/runtime/system.js';
import { connectBus, type Bus } from '../../bus/connection.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { STREAM } from '../../bus/streams.js';
import { descendants, usageOf } from '../support/processes.js';
import { counter } from './counter.js';

const { values: options } = parseArgs({
  options: { actors: { type: 'string', default: '10000' }, timers: { type: 'string', default: '100000' } },
});
const CALLERS = 500;
const HOUR_MS = 3_600_000;
/** Long enough that all are active at once before the first leaves. */
const IDLE_MS = 20_000;

const counters = { ...counter, policy: { ...counter.policy, passivateAfterMs: IDLE_MS } };
const sleeper = defineKind({
  kind: 'sleeper',
  version: 1,
  machine: setup({}).createMachine({
    initial: 'awake',
    states: { awake: { on: { sleep: 'asleep' } }, asleep: { after: { [HOUR_MS]: 'awake' } } },
  }),
  commands: (command) => ({ sleep: command(Type.Object({})) }),
  effects: {},
  policy: { passivateAfterMs: 1_000 },
});

const folder = await mkdtemp(join(tmpdir(), 'statewatt-idle-'));
const server = await startEmbeddedServer({ dataFolder: folder, port: 0, strict: false });
const bus = await connectBus({ servers: [server.url], name: 'load' });
const system = createSystem({ bus, kinds: [counters, sleeper], node: 'load' });
try {
  await system.start();
  await until(() => system.owned.size === 32);
  await system.ask(ref(counters, 'first'), { type: 'add', by: 1 });
  await measureActors(Number(options.actors));
  await measureTimers(Number(options.timers));
} finally {
  await system.stop();
  await bus.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

async function measureActors(count: number): Promise<void> {
  const before = heap();
  await forAll(count, (index) => system.ask(ref(counters, `c${index}`), { type: 'add', by: 1 }, { deadline: 60_000 }));
  print(`${count} counters: ${perActor(heap() - before, count)} of heap each while active and idle`);
  await until(() => system.actors().length === 0);
  print(`  ${perActor(heap() - before, count)} each out of memory`);
}

async function measureTimers(count: number): Promise<void> {
  const before = { heap: heap(), server: await serverMb(), bytes: await timerBytes(bus) };
  const from = performance.now();
  await forAll(count, (index) => system.ask(ref(sleeper, `s${index}`), { type: 'sleep' }, { deadline: 60_000 }));
  const seconds = (performance.now() - from) / 1_000;
  await until(() => kept(bus, count));
  await until(() => system.actors().length === 0);
  print(`${count} timers of an hour, each of an actor of its own, set at ${Math.round(count / seconds)}/s:`);
  print(`  node: ${((heap() - before.heap) / 1024 ** 2).toFixed(1)} MB of heap for all, their actors out of memory`);
  const bytes = (await timerBytes(bus)) - before.bytes;
  const resident = (await serverMb()) - before.server;
  print(
    `  server: ${resident.toFixed(0)} MB of memory (journals and snapshots among it), ${perActor(bytes, count)} of disk each`,
  );
}

async function forAll(count: number, call: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      while (next < count) await call(next++);
    }),
  );
}

async function kept(on: Bus, count: number): Promise<boolean> {
  return (await on.manager.streams.info(STREAM.timers)).state.messages === count;
}

async function timerBytes(on: Bus): Promise<number> {
  return (await on.manager.streams.info(STREAM.timers)).state.bytes;
}

async function serverMb(): Promise<number> {
  const children = await descendants(process.pid);
  const found = await Promise.all(
    children.filter(({ command }) => /^\S*nats-server /.test(command)).map(({ pid }) => usageOf(pid)),
  );
  return found.reduce((sum, { residentMb }) => sum + residentMb, 0);
}

async function until(reached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await reached())) await new Promise((resolve) => setTimeout(resolve, 250));
}

/** Heap in use after a collection, bytes; run with --expose-gc. */
function heap(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

function perActor(bytes: number, count: number): string {
  return `${(bytes / 1_024 / count).toFixed(2)} KB`;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
