// Points a second from the stream of frames into history, with what is stored of them, beside raw inserts of the same
// frames into the same engine: `node dist/load/history/main.js [--frames N] [--points N]`. Starts a nats-server and an
// engine of its own.
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { startTestEngine } from '../../tests/integration/history/engine.js';
import { figure } from '../support/figures.js';
import { frames as makeFrames, TODAY } from '../../tests/integration/history/frames.js';
import { publishFrames, writeHistory } from '../../tests/support/history-flow.js';
import { startNats } from '../../tests/support/nats.js';
import { PointSelector } from '../../actors/projections/point-selector.js';
import { keepChosen } from '../../actors/projections/choices.js';
import { buildStorageRule, type MappingDefinition } from '../../site/history/definition.js';
import type { StoragePlan } from '../../site/history/mapping.js';

const { values: options } = parseArgs({
  options: { frames: { type: 'string', default: '20000' }, points: { type: 'string', default: '50' } },
});
const CHANNELS = 200;
/** Frames of one raw insert: as many as a batch of the projection has. */
const BATCH = 5_000;

const PLANS: readonly (readonly [name: string, mapping: readonly MappingDefinition[]])[] = [
  ['everything', []],
  ['on change, deadband 20', [{ points: '*:T:*', store: 'change', deadband: 20 }]],
  ['one each 10 s', [{ points: '*:T:*', store: 'interval', intervalMs: 10_000 }]],
  ['nothing', [{ points: '*:T:*', store: 'never' }]],
];

function planOf(mapping: readonly MappingDefinition[]): StoragePlan {
  const report = (field: string, found: string) => {
    throw new Error(`${field}: ${found}`);
  };
  const rules = mapping.map((each) => buildStorageRule(each, undefined, { report }));
  return { rules: rules.filter((rule) => rule !== undefined), nameOf: () => undefined };
}

const [nats, engine] = await Promise.all([startNats(), startTestEngine()]);
try {
  const bus = await nats.connect();
  const points = Number(options.points);
  const cycles = Math.ceil(Number(options.frames) / CHANNELS);
  const given = makeFrames({ channels: CHANNELS, points, cycles, from: TODAY });
  const total = given.length * points;
  const last = await publishFrames(
    bus,
    given.map(({ frame }) => frame),
  );

  const raw = await engine.store('raw_inserts');
  const begun = performance.now();
  for (let at = 0; at < given.length; at += BATCH) {
    await raw.insert({ token: `raw-${at}`, frames: given.slice(at, at + BATCH) });
  }
  const rawRate = total / ((performance.now() - begun) / 1_000);
  line('', 'points/s', 'of raw', 'stored', 'choosing');
  line('raw inserts', `${Math.round(rawRate)}`, '100 %', '100 %', '');

  for (const [index, [name, mapping]] of PLANS.entries()) {
    const plan = planOf(mapping);
    // A position of its own: each run begins with the first frame.
    await bus.manager.streams.delete('KV_POSITIONS').catch(() => false);
    const store = await engine.store(`plan_${index}`);
    const { seconds, points: stored } = await writeHistory(bus, store, plan, last);
    const rate = total / seconds;
    figure({
      what: `points into history, ${name}`,
      value: rate,
      unit: '/s',
      beside: { what: 'raw inserts', value: rawRate },
    });
    const chosen = choosing(plan);
    line(
      name,
      `${Math.round(rate)}`,
      `${Math.round((100 * rate) / rawRate)} %`,
      `${Math.round((100 * stored) / total)} %`,
      `${(chosen * 1_000).toFixed(1)} µs`,
    );
  }
  print(`choosing: CPU time for a frame of ${points} points; ${given.length} frames in all`);
  print(
    `load average ${loadavg()
      .map((value) => value.toFixed(1))
      .join(', ')}`,
  );

  /** Ms for one frame. */
  function choosing(plan: StoragePlan): number {
    const selector = new PointSelector();
    selector.use(plan);
    const start = process.cpuUsage();
    for (const { frame } of given) keepChosen(frame, selector.choose(frame, false));
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000 / given.length;
  }
} finally {
  await engine.stop();
  await nats.stop();
}

function line(name: string, ...cells: string[]): void {
  print(name.padEnd(26) + cells.map((cell) => cell.padStart(12)).join(''));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
