import { StatewattError } from '../../errors/error.js';
import { Checker, type Part } from './check.js';
import { parseExpression } from './parse.js';
import type { PointScope, ReadPoint } from './points.js';
import { Run, type Compute } from './run.js';
import { isTimeZone } from './time-of-day.js';

export interface CompileOptions {
  readonly points: PointScope;
  /** What the expression must give. */
  readonly result: 'condition' | 'number';
  /**
   * A comparison with <, <=, > or >= that has become true turns false only when the value has gone back by this much.
   * Default 0.
   */
  readonly deadband?: number;
  /** IANA name of the time zone for times of day and weekdays; default that of the machine. */
  readonly timeZone?: string;
}

/** An expression that is known to be right. */
export interface Expression {
  readonly source: string;
  /** The points that it reads, each once; the index is the point's slot in an evaluator. */
  readonly points: readonly ReadPoint[];
  /** What names of models meant when it was compiled: another text, another expression. */
  readonly meanings: readonly string[];
  /** The functions in it that look at the past: without one, its values of now are all that it needs. */
  readonly past: readonly string[];
  /** The longest time that one of them looks back, ms; 0: none names one. */
  readonly longestMs: number;
  /** Begins an evaluation with windows, holds and hystereses of its own: no values, nothing past. */
  start(): Evaluator;
}

/**
 * Compiles an expression (docs/expressions.md) to plain closures over arrays of numbers; nothing of it is ever run as
 * code.
 *
 * @throws ExpressionError with line and column; `expression.invalid_option`
 */
export function compileExpression(source: string, options: CompileOptions): Expression {
  const { points, result, deadband = 0, timeZone } = options;
  checkOptions(deadband, timeZone);
  const checker = new Checker(source, points, deadband, timeZone);
  const whole = checker.part(parseExpression(source), result);
  const { points: read, past, longestMs, meanings } = checker.reads;
  return {
    source,
    points: [...read],
    meanings: [...meanings],
    past: [...past],
    longestMs,
    start: () => new Evaluator(whole, read.length),
  };
}

/** An expression at work: it is told values and says what follows from them. */
export class Evaluator {
  readonly #run: Run;
  readonly #compute: Compute;

  constructor(part: Part, points: number) {
    this.#run = new Run(points);
    this.#compute = part.make(this.#run);
  }

  /** Notes a point's newest value (NaN: none) and quality (GOOD …); a stale or bad value counts as unknown. */
  set(slot: number, value: number, quality: number): void {
    this.#run.set(slot, value, quality);
  }

  /**
   * What the expression gives at `now` (ms since the Unix epoch): a number, or 1 and 0 for a condition; NaN when it is
   * unknown. A time before that of the last evaluation counts as that time.
   */
  evaluate(now: number): number {
    const run = this.#run;
    if (now > run.now) run.now = now;
    run.wakeAt = Infinity;
    return this.#compute();
  }

  /** When the answer may change though no value does, ms since the Unix epoch; Infinity: never. */
  get wakeAt(): number {
    return this.#run.wakeAt;
  }
}

function checkOptions(deadband: number, timeZone: string | undefined): void {
  if (!(deadband >= 0 && Number.isFinite(deadband))) throw invalid(`a deadband of ${deadband}`, 'a number from 0');
  if (timeZone !== undefined && !isTimeZone(timeZone)) {
    throw invalid(`the time zone "${timeZone}"`, 'a name such as Europe/Berlin or UTC');
  }
}

function invalid(found: string, allowed: string): StatewattError {
  return new StatewattError('expression.invalid_option', 'invalid', `found ${found}, allowed ${allowed}`);
}
