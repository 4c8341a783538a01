import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIGURES_FILE, type Figure } from '../support/figures.js';
import { PROFILE_FOLDER, profileFlags } from '../support/profiling.js';
import type { Benchmark } from './benchmarks.js';

/** Milliseconds after which a benchmark is ended, whole and quick. */
const LIMIT_MS = { whole: 900_000, quick: 240_000 };

export interface RunOptions {
  readonly quick: boolean;
  /** Where its output, its figures and its profiles go. */
  readonly folder: string;
  readonly profile: boolean;
}

/** What a benchmark came to. */
export interface Outcome {
  readonly name: string;
  readonly title: string;
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly seconds: number;
  readonly quick: boolean;
  /** Cores that were busy in the seconds before it began: with what else the machine did. */
  readonly busyBefore?: number;
  /** Undefined: it ended well. */
  readonly failure?: string;
  readonly figures: readonly Figure[];
}

const SETTLE_MS = 1_000;
const LOOK_MS = 2_000;

/** The process group of the benchmark that runs now. */
let running: number | undefined;

/** Ends the benchmark that runs, as when the whole run is interrupted. */
export function stopRunning(): void {
  if (running === undefined) return;
  try {
    process.kill(-running, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Runs one benchmark in a process group of its own; its tables are shown and kept as `<name>.txt`. */
export async function runBenchmark(benchmark: Benchmark, options: RunOptions): Promise<Outcome> {
  const { name, title } = benchmark;
  const { quick, folder } = options;
  await mkdir(folder, { recursive: true });
  const figuresFile = join(folder, `${name}.jsonl`);
  await rm(figuresFile, { force: true });
  const env: NodeJS.ProcessEnv = { ...process.env, [FIGURES_FILE]: figuresFile };
  if (options.profile) env[PROFILE_FOLDER] = join(folder, 'profiles', name);
  const program = fileURLToPath(new URL(`../${benchmark.program}`, import.meta.url));
  const busyBefore = await busyCores();
  const at = new Date();
  const child = spawn(
    process.execPath,
    ['--expose-gc', ...profileFlags(env), program, ...(quick ? benchmark.quick : benchmark.args)],
    { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env },
  );
  running = child.pid;
  const log = createWriteStream(join(folder, `${name}.txt`));
  for (const output of [child.stdout, child.stderr]) {
    output.pipe(log, { end: false });
    output.pipe(process.stdout, { end: false });
  }
  const limit = quick ? LIMIT_MS.quick : LIMIT_MS.whole;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    stopRunning();
  }, limit);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  stopRunning(); // What it left behind.
  running = undefined;
  log.end();
  const failure = late
    ? `it was ended after ${limit / 1_000} s`
    : code === 0
      ? undefined
      : `it ended with ${signal ?? code}`;
  return {
    name,
    title,
    at: at.toISOString(),
    seconds: Math.round((Date.now() - at.getTime()) / 1_000),
    quick,
    busyBefore: Math.round(busyBefore * 100) / 100,
    ...(failure === undefined ? {} : { failure }),
    figures: await readFigures(figuresFile),
  };
}

/** How many cores are busy, on average over two seconds; what ran before has had time to end. */
async function busyCores(): Promise<number> {
  await sleep(SETTLE_MS);
  const before = cpus();
  await sleep(LOOK_MS);
  return cpus().reduce((sum, { times }, core) => {
    const was = before[core]?.times ?? times;
    const idle = times.idle - was.idle;
    const all = Object.values(times).reduce((total, ms) => total + ms, 0);
    const allBefore = Object.values(was).reduce((total, ms) => total + ms, 0);
    return all === allBefore ? sum : sum + 1 - idle / (all - allBefore);
  }, 0);
}

async function readFigures(file: string): Promise<Figure[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Figure);
}
