import { appendFileSync } from 'node:fs';

/** One figure that a benchmark came to, beside what it is measured against in the same run. */
export interface Figure {
  /** What was done, as in "durable asks, strict". */
  readonly what: string;
  readonly value: number;
  /** As in "/s", "ms", "MB". */
  readonly unit: string;
  /** A peer, or the raw limit, measured in the same run, in the same unit. */
  readonly beside?: { readonly what: string; readonly value: number };
  /** What it has to be at least or at most; `of: 'ratio'`: value ÷ what it stands beside. */
  readonly aim?: Aim;
}

export interface Aim {
  readonly least?: number;
  readonly most?: number;
  readonly of?: 'ratio';
}

/** Where `npm run bench` wants the figures: a file of one JSON object a line. */
export const FIGURES_FILE = 'BENCH_FIGURES';

/** Hands a figure to `npm run bench`; a benchmark that is started by itself only prints its table. */
export function figure(found: Figure): void {
  const file = process.env[FIGURES_FILE];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(found)}\n`);
}

/** Value ÷ what it stands beside; undefined when it stands alone. */
export function ratioOf({ value, beside }: Figure): number | undefined {
  return beside === undefined ? undefined : value / beside.value;
}

/** Whether the aim is met; undefined when there is none. */
export function isMet(found: Figure): boolean | undefined {
  const { aim } = found;
  if (aim === undefined) return undefined;
  const measured = aim.of === 'ratio' ? ratioOf(found) : found.value;
  if (measured === undefined || Number.isNaN(measured)) return false;
  return measured >= (aim.least ?? -Infinity) && measured <= (aim.most ?? Infinity);
}
