// Durable actors: `node --expose-gc dist/load/actors/main.js [--actors N] [--callers N] [--seconds N] [--growth N,N,…]`.
// Callers ask counters one after the other; every answer stands in the journal. First relaxed (survives the kill of any
// process), then strict (survives a power cut: the server waits for the disk). Beside them, where they are installed
// (`npm install --prefix load/peers`), Restate's virtual objects and Moleculer's calls, in the same run.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Figures } from './callers.js';
import { measureGrowth } from './growth.js';
import { measureOwn } from './own.js';
import { figure } from '../support/figures.js';
import { peersInstalled, runPeer } from '../support/peers.js';
import { measureRemote } from './remote.js';

/** For the growth in all; what is not reached within it is not measured. */
const GROWTH_MS = 60_000;

const { values: options } = parseArgs({
  options: {
    actors: { type: 'string', default: '1000' },
    callers: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '5' },
    growth: { type: 'string', default: '1000,10000,100000' },
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
  const durable: Figures[] = [];
  for (const strict of [false, true]) {
    const { activations, idleKb, asks, queries } = await measureOwn({ folder, strict, ...sizes });
    print(`${strict ? 'strict' : 'relaxed'}`);
    row('durable asks', asks);
    row('queries', queries);
    print(`  brought to life ${Math.round(activations)}/s, ${idleKb.toFixed(1)} KB each while idle`);
    durable.push(asks);
  }
  if (peersInstalled) {
    const restate = await runPeer<Figures>('restate', [sizes.actors, sizes.callers, sizes.seconds]);
    print('Restate, virtual objects');
    row('durable asks', restate);
    for (const [index, name] of ['relaxed', 'strict'].entries()) {
      beside(`ours, ${name}`, durable[index], restate);
      compare(`durable asks, ${name}`, durable[index] as Figures, 'Restate', restate, { times: 10, p99: 0.1 });
    }
  } else print('Restate and Moleculer are not installed: npm install --prefix load/peers');

  const { asks, queries, moleculer } = await measureRemote({ folder, ...sizes, peers: peersInstalled });
  print('over NATS to another process');
  row('durable asks', asks);
  row('queries', queries);
  if (moleculer !== undefined) {
    row('Moleculer', moleculer);
    beside('ours', queries, moleculer);
    compare('queries over NATS', queries, 'Moleculer', moleculer, { times: 1 });
  }

  print('growth');
  await measureGrowth({
    folder,
    sizes: options.growth.split(',').map(Number),
    callers: sizes.callers,
    budgetMs: GROWTH_MS,
    onSize: ({ actors, activations, idleKb, residentMb, asks }) => {
      row(`${actors} active`, asks);
      figure({ what: `durable asks of ${actors} active actors`, value: asks.rate, unit: '/s' });
      figure({ what: `heap of each of ${actors} idle actors`, value: idleKb, unit: 'KB' });
      const memory = `${idleKb.toFixed(1)} KB each while idle, ${Math.round(residentMb)} MB in all`;
      print(`  brought to life ${Math.round(activations)}/s, ${memory}`);
    },
  });
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}

function row(name: string, { rate, p50Ms, p99Ms }: Figures): void {
  print(
    `  ${name.padEnd(16)}${String(Math.round(rate)).padStart(7)}/s   p50 ${p50Ms.toFixed(1)} ms   p99 ${p99Ms.toFixed(1)} ms`,
  );
}

/** Rate and p99 for the summary; `aim.p99`: at most so much of theirs. */
function compare(
  what: string,
  ours: Figures,
  peer: string,
  theirs: Figures,
  aim: { times: number; p99?: number },
): void {
  const { rate: value, p99Ms } = ours;
  figure({
    what,
    value,
    unit: '/s',
    beside: { what: peer, value: theirs.rate },
    aim: { least: aim.times, of: 'ratio' },
  });
  const late = aim.p99 === undefined ? {} : { aim: { most: aim.p99, of: 'ratio' as const } };
  figure({ what: `p99 of ${what}`, value: p99Ms, unit: 'ms', beside: { what: peer, value: theirs.p99Ms }, ...late });
}

function beside(name: string, ours: Figures | undefined, theirs: Figures): void {
  if (ours === undefined) return;
  print(
    `  ${name}: ${(ours.rate / theirs.rate).toFixed(1)} times the rate, p99 ${(ours.p99Ms / theirs.p99Ms).toFixed(2)} of theirs`,
  );
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
