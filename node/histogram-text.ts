import type { Histogram } from '../telemetry/histogram.js';

/** A histogram in Prometheus' text format, version 0.0.4: cumulative buckets, sum and count. */
export function histogramText(name: string, help: string, histogram: Histogram): string {
  const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`];
  let total = 0;
  histogram.counts.forEach((count, bucket) => {
    total += count;
    lines.push(`${name}_bucket{le="${histogram.bounds[bucket] ?? '+Inf'}"} ${total}`);
  });
  lines.push(`${name}_sum ${histogram.sum}`, `${name}_count ${total}`);
  return `\n${lines.join('\n')}\n`;
}
