import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { timeAxisLabels } from '../format.js';
import type { TrendColumns } from '../state/trend-data.js';

interface TrendChartProps {
  columns: TrendColumns;
  /** Shown range, ms since the Unix epoch. */
  from: number;
  to: number;
  /** Values are states: drawn as steps. */
  stepped: boolean;
  label: string;
  onZoom: (from: number, to: number) => void;
  onReset: () => void;
  /** Index of the row under the pointer. */
  onPoint: (index: number | null) => void;
}

/** Canvas chart with drag to zoom and double click back. Colours come from the style sheet, so they follow the theme. */
export function TrendChart(props: TrendChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  // What the chart asks for while it draws; kept here so that the chart is made once.
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const make = () => {
      plot.current?.destroy();
      plot.current = new uPlot(options(element, latest), data(latest.current.columns), element);
    };
    make();
    const resized = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: element.clientHeight }),
    );
    resized.observe(element);
    const scheme = matchMedia('(prefers-color-scheme: dark)');
    scheme.addEventListener('change', make);
    return () => {
      resized.disconnect();
      scheme.removeEventListener('change', make);
      plot.current?.destroy();
    };
  }, [props.stepped]);

  useEffect(() => plot.current?.setData(data(props.columns)), [props.columns, props.from, props.to]);

  return <div ref={box} class="chart" role="img" aria-label={props.label} />;
}

function data({ times, values, highs, lows }: TrendColumns): uPlot.AlignedData {
  return [times, values, highs, lows];
}

function options(element: HTMLElement, latest: { current: TrendChartProps }): uPlot.Options {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const { stepped } = latest.current;
  const axis = {
    stroke: color('--text-dim'),
    grid: { stroke: color('--line'), width: 1 },
    ticks: { stroke: color('--line'), width: 1, size: 4 },
    font: `12px ${style.fontFamily}`,
  };
  const paths = stepped && uPlot.paths.stepped ? { paths: uPlot.paths.stepped({ align: 1 }) } : {};
  return {
    width: element.clientWidth,
    height: element.clientHeight,
    legend: { show: false },
    padding: [8, 12, 0, 0],
    scales: {
      x: { range: () => [latest.current.from / 1_000, latest.current.to / 1_000] },
      y: { range: (_plot, min, max) => (stepped ? [-0.2, 1.2] : verticalRange(min, max)) },
    },
    axes: [
      { ...axis, values: (_plot, ticks, _axis, _space, step) => timeAxisLabels(ticks, step), size: 40 },
      stepped
        ? { ...axis, splits: () => [0, 1], values: () => ['off', 'on'], size: 56 }
        : {
            ...axis,
            size: (_plot, labels) => Math.max(56, 16 + 7 * Math.max(0, ...(labels ?? []).map((l) => l.length))),
          },
    ],
    series: [
      {},
      { stroke: color('--trend'), width: 1.5, ...paths, points: { size: 4, fill: color('--trend') } },
      { stroke: 'transparent', points: { show: false } },
      { stroke: 'transparent', points: { show: false } },
    ],
    bands: [{ series: [2, 3], fill: color('--trend-band') }],
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { show: (_plot, series) => (series === 1 ? document.createElement('div') : document.createElement('i')) },
      bind: {
        dblclick: () => () => {
          latest.current.onReset();
          return null;
        },
      },
    },
    hooks: {
      setCursor: [(plot) => latest.current.onPoint(plot.cursor.idx ?? null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          const from = plot.posToVal(left, 'x') * 1_000;
          const to = plot.posToVal(left + width, 'x') * 1_000;
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom(from, to);
        },
      ],
    },
  };
}

/** Some room above and below; a constant value stands in the middle. */
function verticalRange(min: number | null, max: number | null): [number, number] {
  if (min === null || max === null) return [0, 1];
  const room = max > min ? (max - min) * 0.08 : Math.max(1, Math.abs(max) * 0.05);
  return [min - room, max + room];
}
