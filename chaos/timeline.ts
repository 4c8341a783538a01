import type { RunResult } from './run.js';

const WIDTH = 960;
const LEFT = 110;
const RIGHT = 20;
const ROW = 60;
const GAP = 22;
const BAR = 14;

/** A second of a run. */
export interface Second {
  readonly commands: number;
  /** Of the slowest command that was answered in it, ms; 0 when none was. */
  readonly slowestMs: number;
}

/** Commands by the second in which they were answered. */
export function bySecond({ commands, tookMs }: Pick<RunResult, 'commands' | 'tookMs'>): Second[] {
  const seconds = Array.from({ length: Math.max(1, Math.ceil(tookMs / 1_000)) }, () => ({ commands: 0, slowestMs: 0 }));
  for (const { atMs, tookMs: took } of commands) {
    const second = seconds[Math.min(seconds.length - 1, Math.floor(atMs / 1_000))];
    if (second === undefined) continue;
    second.commands += 1;
    second.slowestMs = Math.max(second.slowestMs, took);
  }
  return seconds;
}

/** A picture (SVG) of a run: its faults, when all was well, commands a second and how long they took. */
export function drawTimeline(result: RunResult): string {
  const { faults, samples, tookMs } = result;
  const seconds = bySecond(result);
  const x = (ms: number): number => LEFT + (Math.max(0, Math.min(ms, tookMs)) / tookMs) * (WIDTH - LEFT - RIGHT);
  const lanes = laneOf(faults.map(({ fromMs, toMs }) => [fromMs, Math.max(toMs, fromMs + tookMs / 100)] as const));
  const faultsHeight = Math.max(1, 1 + Math.max(-1, ...lanes)) * (BAR + 4);
  const top = { faults: 40, well: 40 + faultsHeight + GAP };
  const rows = { commands: top.well + BAR + GAP, slowest: top.well + BAR + ROW + 2 * GAP };
  const height = rows.slowest + ROW + 40;

  const parts = [
    text(
      LEFT,
      20,
      `${result.scenario.name}, seed ${result.seed}: ${result.passed ? 'passed' : 'FAILED'}`,
      'class="title"',
    ),
    text(8, top.faults + 11, 'faults'),
    ...faults.map(({ number, text: what, fromMs, toMs, failed }, index) => {
      const y = top.faults + (lanes[index] ?? 0) * (BAR + 4);
      const width = Math.max(4, x(toMs) - x(fromMs));
      const label = `${number}: ${what}${failed === undefined ? '' : ` (not done: ${failed})`}`;
      return `<g><title>${escape(label)}</title>${box(x(fromMs), y, width, BAR, 'fault')}${text(x(fromMs) + 2, y + 11, String(number), 'class="small"')}</g>`;
    }),
    text(8, top.well + 11, 'all is well'),
    ...samples.slice(0, -1).map(({ atMs, healthy }, index) => {
      const until = samples[index + 1]?.atMs ?? atMs;
      return until <= 0 || atMs >= tookMs
        ? ''
        : box(x(atMs), top.well, Math.max(0.5, x(until) - x(atMs)), BAR, healthy ? 'well' : 'ill');
    }),
    ...graph(
      'commands/s',
      rows.commands,
      seconds.map(({ commands }) => commands),
      (second) => x(second * 1_000),
    ),
    ...graph(
      'slowest, ms',
      rows.slowest,
      seconds.map(({ slowestMs }) => slowestMs),
      (second) => x(second * 1_000),
    ),
    ...ticks(tookMs).map((s) => text(x(s * 1_000), height - 14, `${s} s`, 'class="small" text-anchor="middle"')),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<style>
  svg { background: #fff } text { font: 12px sans-serif; fill: #222 } .title { font-weight: bold; font-size: 14px } .small { font-size: 10px }
  .fault { fill: #f2b8a0 } .well { fill: #b7ddb0 } .ill { fill: #b0413e } .line { fill: none; stroke: #2b5d8a; stroke-width: 1.5 } .frame { fill: none; stroke: #ccc }
</style>
${parts.filter((part) => part !== '').join('\n')}
</svg>
`;
}

/** The first lane in which each span overlaps none before it. */
function laneOf(spans: readonly (readonly [from: number, to: number])[]): number[] {
  const ends: number[] = [];
  return spans.map(([from, to]) => {
    const free = ends.findIndex((end) => end <= from);
    const lane = free === -1 ? ends.length : free;
    ends[lane] = to;
    return lane;
  });
}

function graph(name: string, y: number, values: readonly number[], x: (second: number) => number): string[] {
  const most = Math.max(1, ...values);
  const points = values.map(
    (value, second) => `${x(second + 0.5).toFixed(1)},${(y + ROW - (value / most) * ROW).toFixed(1)}`,
  );
  return [
    text(8, y + 11, name),
    text(8, y + 26, `up to ${Math.round(most)}`, 'class="small"'),
    box(LEFT, y, WIDTH - LEFT - RIGHT, ROW, 'frame'),
    `<polyline class="line" points="${points.join(' ')}"/>`,
  ];
}

/** Round numbers of seconds, at most a dozen. */
function ticks(tookMs: number): number[] {
  const step = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600].find((each) => tookMs / 1_000 / each <= 12) ?? 7_200;
  return Array.from({ length: Math.floor(tookMs / 1_000 / step) + 1 }, (_, index) => index * step);
}

function box(x: number, y: number, width: number, height: number, name: string): string {
  return `<rect class="${name}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${height}"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x.toFixed(1)}" y="${y}" ${attributes}>${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
