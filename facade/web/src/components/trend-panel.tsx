import { useSignal } from '@preact/signals';
import { formatTime, formatValue } from '../format.js';
import { now, trend, trended } from '../page.js';
import { SPANS } from '../state/trend-store.js';
import { summarize, type TrendColumns } from '../state/trend-data.js';
import { TrendChart } from './trend-chart.js';

const RESOLUTION_NAMES: Readonly<Record<string, string>> = {
  raw: 'every value',
  '1m': 'means of 1 min, with least and greatest',
  '1h': 'means of 1 h, with least and greatest',
  '1d': 'means of 1 d, with least and greatest',
};

/** The trend of the chosen point, over a moving or a fixed range. */
export function TrendPanel() {
  const pointed = useSignal<number | null>(null);
  const point = trended.value;
  if (point === undefined)
    return (
      <div class="trend">
        <p class="empty">Choose a point to see its trend.</p>
      </div>
    );

  const range = trend.range.value;
  const status = trend.status.value;
  const columns = trend.columns.value;
  const { from, to } = trend.window(now.value);
  const summary = summarize(columns);
  const value = (number: number) => `${formatValue(number, point.kind)} ${point.unit}`.trim();
  const live = () => trend.show({ type: 'live', spanMs: range.type === 'live' ? range.spanMs : SPANS[0].spanMs });
  const text =
    summary === undefined
      ? 'no values in this range'
      : point.kind === 'S' || point.kind === 'C'
        ? `${summary.count} values`
        : `min ${value(summary.min)}, mean ${value(summary.mean)}, max ${value(summary.max)}`;
  const gaps =
    summary === undefined || summary.gaps === 0 ? '' : `, ${summary.gaps} ${summary.gaps === 1 ? 'gap' : 'gaps'}`;
  return (
    <div class="trend" aria-label={`Trend of ${point.name}`} role="group">
      <div class="tools">
        <h3>
          {point.name} <span class="dim">{point.unit}</span>
        </h3>
        <div class="chips" role="group" aria-label="Range">
          {SPANS.map(({ label, spanMs }) => (
            <button
              key={label}
              type="button"
              class="chip"
              aria-pressed={range.type === 'live' && range.spanMs === spanMs}
              onClick={() => trend.show({ type: 'live', spanMs })}
            >
              {label}
            </button>
          ))}
          <button type="button" class="chip" title="Earlier" aria-label="Earlier" onClick={() => trend.move(-0.5)}>
            ←
          </button>
          <button type="button" class="chip" title="Later" aria-label="Later" onClick={() => trend.move(0.5)}>
            →
          </button>
          <button type="button" class="chip" title="Zoom in" aria-label="Zoom in" onClick={() => trend.move(0, 0.5)}>
            +
          </button>
          <button type="button" class="chip" title="Zoom out" aria-label="Zoom out" onClick={() => trend.move(0, 2)}>
            −
          </button>
          {range.type === 'fixed' ? (
            <button type="button" class="chip" onClick={live}>
              Back to live
            </button>
          ) : null}
        </div>
      </div>
      <p class="readout">
        {pointed.value === null ? text + gaps : (under(columns, pointed.value, value) ?? text + gaps)}
      </p>
      <div class="chart-box">
        <TrendChart
          columns={columns}
          from={from}
          to={to}
          stepped={point.kind === 'S' || point.kind === 'C'}
          label={`Trend of ${point.name} from ${formatTime(from, now.value)} to ${formatTime(to, now.value)}: ${text}${gaps}`}
          onZoom={(start, end) => trend.show({ type: 'fixed', from: start, to: end })}
          onReset={live}
          onPoint={(index) => {
            pointed.value = index;
          }}
        />
        {status.state === 'loading' ? <p class="over">Loading…</p> : null}
        {status.state === 'shown' && summary === undefined ? <p class="over">No values in this range.</p> : null}
        {status.state === 'failed' ? (
          <p class="over refusal" role="status">
            <b class="letter">!</b> History cannot be read: {status.message}
          </p>
        ) : null}
      </div>
      <p class="dim note">
        {status.state === 'shown' ? (RESOLUTION_NAMES[status.resolution] ?? status.resolution) : ''}
        {status.state === 'shown' && status.truncated
          ? ', only the first part of this range: zoom in to see the rest'
          : ''}
        {`; times in ${Intl.DateTimeFormat().resolvedOptions().timeZone}; drag to zoom, double click for live`}
      </p>
    </div>
  );
}

/** What stands at the pointer, in words; undefined when the data moved away from under it. */
function under(columns: TrendColumns, index: number, shown: (value: number) => string): string | undefined {
  const time = columns.times[index];
  if (time === undefined) return undefined;
  const value = columns.values[index];
  const low = columns.lows[index];
  const high = columns.highs[index];
  const span = typeof low === 'number' && typeof high === 'number' ? ` (${shown(low)} … ${shown(high)})` : '';
  return `${formatTime(time * 1_000, now.value)}  ${typeof value === 'number' ? shown(value) + span : 'gap'}`;
}
