import type { Evaluator } from '../../site/expressions/index.js';
import type { Formula } from '../../site/models/formulas.js';

/** What is computed of what, at work. */
interface Running {
  readonly slot: number;
  readonly inputs: readonly number[];
  readonly evaluator: Evaluator;
}

/** Where the values are. */
export interface Columns {
  readonly values: readonly (number | string | null)[];
  readonly quality: Uint8Array;
  readonly times: Float64Array;
}

const NOTHING: readonly number[] = [];

/** The computed points of one model, with the windows and holds of their expressions. */
export class ComputedPoints {
  readonly #columns: Columns;
  /** Each after those that it needs. */
  readonly #running: readonly Running[];
  /** By slot of what is read. */
  readonly #readers = new Map<number, Running[]>();

  constructor(formulas: readonly Formula[], columns: Columns) {
    this.#columns = columns;
    this.#running = formulas.map(({ slot, inputs, expression }) => ({ slot, inputs, evaluator: expression.start() }));
    for (const running of this.#running) {
      for (const input of running.inputs) {
        const readers = this.#readers.get(input);
        if (readers === undefined) this.#readers.set(input, [running]);
        else readers.push(running);
      }
    }
  }

  /**
   * Computes what reads one of these points, and what reads that; `take` gets each result (NaN: unknown) with the time
   * of the newest value that it was computed from. Answers the slots of the results.
   */
  update(changed: readonly number[], take: (slot: number, result: number, time: number) => void): readonly number[] {
    if (this.#running.length === 0) return NOTHING;
    const due = new Set<Running>();
    for (const slot of changed) for (const running of this.#readers.get(slot) ?? []) due.add(running);
    if (due.size === 0) return NOTHING;
    const computed: number[] = [];
    for (const running of this.#running) {
      if (!due.has(running)) continue;
      this.#compute(running, take);
      computed.push(running.slot);
      for (const next of this.#readers.get(running.slot) ?? []) due.add(next);
    }
    return computed;
  }

  #compute({ slot, inputs, evaluator }: Running, take: (slot: number, result: number, time: number) => void): void {
    const { values, quality, times } = this.#columns;
    let time = 0;
    for (let index = 0; index < inputs.length; index++) {
      const input = inputs[index] as number;
      const value = values[input];
      evaluator.set(index, typeof value === 'number' ? value : NaN, quality[input] as number);
      time = Math.max(time, times[input] as number);
    }
    take(slot, evaluator.evaluate(time), time);
  }
}
