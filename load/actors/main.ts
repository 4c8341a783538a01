// Durable actors: `node --expose-gc dist/load/actors/main.js [--actors N] [--callers N] [--seconds N]`. Callers ask
// counters one after the other; every answer stands in the journal. First relaxed (survives the kill of any process),
// then strict (survives a power cut: the server waits for the disk).
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Figures } from './callers.js';
import { measureOwn } from './own.js';

const { values: options } = parseArgs({
  options: {
    actors: { type: 'string', default: '1000' },
    callers: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '5' },
  },
});
const sizes = {
  actors: Number(options.actors),
  callers: Number(options.callers),
  seconds: Number(options.seconds),
};

const folder = await mkdtemp(join(tmpdir(), 'statewatt-actors-'));
try {
  print(`${sizes.callers} callers, ${sizes.actors} counters:`);
  for (const strict of [false, true]) {
    const { activations, idleKb, asks, queries } = await measureOwn({ folder, strict, ...sizes });
    print(`${strict ? 'strict' : 'relaxed'}`);
    row('durable asks', asks);
    row('queries', queries);
    print(`  brought to life ${Math.round(activations)}/s, ${idleKb.toFixed(1)} KB each while idle`);
  }
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function row(name: string, { rate, p50Ms, p99Ms }: Figures): void {
  print(
    `  ${name.padEnd(16)}${String(Math.round(rate)).padStart(7)}/s   p50 ${p50Ms.toFixed(1)} ms   p99 ${p99Ms.toFixed(1)} ms`,
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
