// All of load/, one after the other: `npm run bench [-- --only facade,actors] [--quick] [--profile] [--no-write]`.
// Each prints its own table; at the end one summary says each figure, what it stands beside, its aim, and whether that is met.
// The figures are kept in load/results.json and in load/RESULTS.md, outputs and profiles in load/out.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { peersInstalled } from '../support/peers.js';
import { BENCHMARKS } from './benchmarks.js';
import { drawProfiles } from './profiles.js';
import { describeMachine } from './machine.js';
import { keepResults } from './results.js';
import { runBenchmark, stopRunning, type Outcome } from './run.js';
import { aimsMet, summary } from './tables.js';

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    write: { type: 'boolean', default: true },
  },
  allowNegative: true,
});
const folder = join(import.meta.dirname, '../../../load/out');
const names = BENCHMARKS.map(({ name }) => name);
const wanted = options.only?.split(',') ?? names;
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) fail(`--only: there is no ${unknown.join(', ')}; allowed are ${names.join(', ')}`);
if (!peersInstalled) print('load/peers is not installed (npm install --prefix load/peers): nothing stands beside us');
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopRunning();
    process.exit(1);
  });
}

const machine = await describeMachine();
const outcomes: Outcome[] = [];
for (const benchmark of BENCHMARKS.filter(({ name }) => wanted.includes(name))) {
  if (benchmark.needsPeers === true && !peersInstalled) continue;
  print(`\n=== ${benchmark.name}: ${benchmark.title} ===`);
  const outcome = await runBenchmark(benchmark, { quick: options.quick, folder, profile: options.profile });
  outcomes.push(outcome);
  // After each, for all of them take long. Sampling costs time itself: figures with it are not kept.
  if (options.write && !options.profile) await keepResults([outcome], machine, names);
}
print(`\n${summary(outcomes)}\n\n${aimsMet(outcomes)}`);
if (options.profile) for (const { name } of outcomes) await drawn(name);
process.exitCode = outcomes.some(({ failure }) => failure !== undefined) ? 1 : 0;

async function drawn(name: string): Promise<void> {
  for (const { page, stages } of await drawProfiles(join(folder, 'profiles', name), name)) {
    print(`\n${name}: flame graph in ${page}`);
    for (const [stage, share] of stages) print(`  ${(share * 100).toFixed(1).padStart(5)} %  ${stage}`);
  }
}

function fail(text: string): never {
  process.stderr.write(`${text}\n`);
  process.exit(2);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
