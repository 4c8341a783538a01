import { fstatSync, realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { StatewattError, errorMessage } from '../errors/error.js';
import { SupervisedChild, type ChildOptions } from '../processes/child.js';
import { loadSite } from '../site/config/load.js';
import type { PlantOptions } from './demo/plant.js';
import { serveDemoDevices } from './demo/devices.js';

const FILE = fileURLToPath(import.meta.url);
/** The demo's site file; this file runs from dist/node/. */
export const DEMO_SITE = resolve(FILE, '../../../demo/site.yaml');

/** A summer morning at the site, an hour a minute: a day with all that happens in it takes 24 minutes. */
const DEFAULTS: PlantOptions = { start: Date.UTC(2026, 5, 20, 5), speed: 60, seed: 1 };
const MAX_SPEED = 3600;

const USAGE = `Usage: node dist/node/demo-devices.js [--site FILE] [--speed N] [--seed N] [--start TIME]

Simulates the devices of the demo site as Modbus TCP devices on this machine.

  --site FILE   site file whose tables lay out the registers (default: demo/site.yaml)
  --speed N     1 = real time, 60 = an hour a minute (default: ${DEFAULTS.speed})
  --seed N      the same seed gives the same values (default: ${DEFAULTS.seed})
  --start TIME  first moment of the simulation, ISO 8601 (default: ${new Date(DEFAULTS.start).toISOString()})
`;

export interface DemoDevicesOptions extends Pick<ChildOptions, 'onLine' | 'onRestart' | 'onGiveUp'> {
  /** Default: the demo's own. */
  readonly site?: string;
  /** 1 = real time, 60 (default) = an hour a minute. */
  readonly speed?: number;
}

/**
 * Starts the demo's devices as a supervised child process; resolves when they serve. They are started again when they
 * die, with their counters at 0, and end with this process.
 * @throws StatewattError `process.start_failed` with what the devices said, such as a port that is taken
 */
export async function startDemoDevices(options: DemoDevicesOptions = {}): Promise<SupervisedChild> {
  const { site = DEMO_SITE, speed, ...watch } = options;
  const child = new SupervisedChild({
    name: 'demo devices',
    command: process.execPath,
    args: [FILE, '--site', site, ...(speed === undefined ? [] : ['--speed', String(speed)])],
    ready: async (running) => {
      await running.line(/^demo devices ready: /);
    },
    ...watch,
  });
  await child.start();
  return child;
}

async function main(): Promise<void> {
  const { values } = readArguments();
  if (values.help === true) {
    process.stdout.write(USAGE);
    return;
  }
  const ended = endOfRun();
  const devices = await serveDemoDevices(await loadSite(values.site ?? DEMO_SITE), {
    speed: readNumber('--speed', values.speed, DEFAULTS.speed, 0.001, MAX_SPEED),
    seed: readNumber('--seed', values.seed, DEFAULTS.seed, 0, 0xffff_ffff),
    start: readTime(values.start),
    onError: fail,
  });
  for (const point of devices.unknown) console.log(`not simulated, reads 0: ${point}`);
  const { ports } = devices;
  console.log(`demo devices ready: ${ports.length} devices on ports ${ports[0]}–${ports.at(-1)}`);
  await ended;
  await devices.close();
}

function readArguments() {
  const text = { type: 'string' } as const;
  const options = { site: text, speed: text, seed: text, start: text, help: { type: 'boolean', short: 'h' } } as const;
  try {
    return parseArgs({ options });
  } catch (cause) {
    throw new StatewattError('demo.bad_option', 'invalid', `${errorMessage(cause)}\n\n${USAGE}`, { cause });
  }
}

function readNumber(option: string, text: string | undefined, fallback: number, min: number, max: number): number {
  const value = text === undefined ? fallback : Number(text.trim() === '' ? NaN : text);
  if (value >= min && value <= max) return value;
  throw badOption(option, text, `a number from ${min} to ${max}`);
}

function readTime(text: string | undefined): number {
  if (text === undefined) return DEFAULTS.start;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(time)) return time;
  throw badOption('--start', text, 'a time as in ISO 8601, such as 2026-06-20T05:00Z');
}

function badOption(option: string, found: string | undefined, allowed: string): StatewattError {
  return new StatewattError('demo.bad_option', 'invalid', `${option}: found "${found}", allowed ${allowed}`);
}

/** Resolves on SIGTERM, SIGINT, or when whoever holds the other end of standard input goes away. */
function endOfRun(): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => resolve();
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    // Not /dev/null or a file, which are at their end from the start.
    const input = fstatSync(0);
    if (!input.isFIFO() && !input.isSocket()) return;
    process.stdin.once('end', end).once('error', end).resume();
  });
}

function fail(error: unknown): void {
  console.error(`demo devices: ${errorMessage(error)}`);
  process.exit(1);
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === FILE) {
  main().then(() => process.exit(0), fail);
}
