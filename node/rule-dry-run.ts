import type { RuleDryRun } from '../actors/client/rules.js';
import { StatewattError } from '../errors/error.js';
import type { HistoryRow, HistoryStore } from '../protocols/clickhouse/types.js';
import { compileExpression, type PointScope } from '../site/expressions/index.js';
import { BAD, QUALITIES, type PointAddress } from '../site/points.js';
import type { Rule } from '../site/rules/rule.js';
import { RuleTrial } from '../site/rules/trial.js';

const DAY_MS = 86_400_000;
const DEFAULT_SPAN_MS = 7 * DAY_MS;
const MAX_SPAN_MS = 31 * DAY_MS;
/** Every point is written once a minute at least. */
const LEAST_WARM_UP_MS = 2 * 60_000;
const PAGE = 10_000;
/** Firings that are told one by one. */
const KEPT = 1_000;
const MAX_SAMPLES = 2_000_000;
const MAX_MS = 20_000;

export interface DryRunParts {
  readonly history: Pick<HistoryStore, 'query'>;
  readonly points: PointScope;
  readonly timeZone: string | undefined;
}

/**
 * What a rule would have done over a span of the past: its condition is evaluated with the raw values that history has of
 * its points, in the order of time. A value holds until the next one.
 *
 * @throws `rules.invalid_span`; what history throws
 */
export async function dryRun(
  rule: Rule,
  span: { readonly from?: number; readonly to?: number },
  { history, points, timeZone }: DryRunParts,
): Promise<RuleDryRun> {
  const { from, to } = readSpan(span);
  const expression = compileExpression(rule.expression, {
    points,
    result: 'condition',
    deadband: rule.deadband,
    ...(timeZone === undefined ? {} : { timeZone }),
  });
  const warmUp = Math.max(LEAST_WARM_UP_MS, Math.min(DAY_MS, expression.longestMs), rule.holdMs);
  const trial = new RuleTrial(rule, expression, from, KEPT);
  const sources = await Promise.all(
    expression.points.map((point) => Source.open(history, point, Math.max(0, from - warmUp), to)),
  );
  const end = performance.now() + MAX_MS;
  let samples = 0;
  let reached = to;
  for (;;) {
    const time = Math.min(...sources.map((source) => source.time));
    if (time === Infinity) break;
    if (samples >= MAX_SAMPLES || performance.now() > end) {
      reached = Math.max(from, time);
      break;
    }
    trial.until(time);
    for (const [slot, source] of sources.entries()) {
      while (source.time === time) {
        const { value, quality } = source.row as HistoryRow;
        trial.set(
          slot,
          typeof value === 'number' ? value : NaN,
          quality === undefined ? BAD : QUALITIES.indexOf(quality),
        );
        samples += 1;
        await source.next();
      }
    }
    trial.at(time);
  }
  trial.until(reached);
  const { fired, firings } = trial;
  return {
    from,
    to,
    fired,
    firings: firings.map((firing) => ({ ...firing })),
    samples,
    complete: reached === to,
    reached,
  };
}

function readSpan({ to = Date.now(), from = to - DEFAULT_SPAN_MS }: { from?: number; to?: number }) {
  if (from < to && to - from <= MAX_SPAN_MS) return { from, to };
  throw new StatewattError(
    'rules.invalid_span',
    'invalid',
    `from ${from} to ${to}; allowed: from before to, and 31 days at most`,
  );
}

/** The raw values of one point, page by page. */
class Source {
  /** The row that is next. */
  row: HistoryRow | undefined;
  readonly #ask: (cursor: string | undefined) => ReturnType<HistoryStore['query']>;
  #rows: readonly HistoryRow[] = [];
  #index = 0;
  #cursor: string | null | undefined;

  private constructor(ask: (cursor: string | undefined) => ReturnType<HistoryStore['query']>) {
    this.#ask = ask;
  }

  static async open(history: DryRunParts['history'], point: PointAddress, from: number, to: number): Promise<Source> {
    const query = { ...point, from, to, resolution: 'raw', limit: PAGE } as const;
    const source = new Source((cursor) => history.query(cursor === undefined ? query : { ...query, cursor }));
    await source.next();
    return source;
  }

  /** Of the row that is next; Infinity behind the last. */
  get time(): number {
    return this.row?.time ?? Infinity;
  }

  async next(): Promise<void> {
    if (this.#index >= this.#rows.length && this.#cursor !== null) {
      const page = await this.#ask(this.#cursor);
      this.#rows = page.rows;
      this.#cursor = page.nextCursor;
      this.#index = 0;
    }
    this.row = this.#rows[this.#index];
    this.#index += 1;
  }
}
