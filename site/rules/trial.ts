import { nameOfPoint, type Evaluator, type Expression } from '../expressions/index.js';
import type { PointValues, Rule } from './rule.js';

/** When a rule would have fired, and when its condition would have been false again after that (null: not so far). */
export interface Firing {
  readonly at: number;
  returnedAt: number | null;
  readonly values: PointValues;
}

/**
 * A rule on a clock of its own: it is told values in the order of time, and says when the rule would have fired, by the
 * same condition, hold time and cooldown as the live one (machines/rule.ts). Nothing is done.
 */
export class RuleTrial {
  /** All that it would have fired. */
  fired = 0;
  /** The first `kept` of them. */
  readonly firings: Firing[] = [];
  /** How often the condition was evaluated. */
  evaluations = 0;
  readonly #rule: Pick<Rule, 'holdMs' | 'cooldownMs'>;
  readonly #evaluator: Evaluator;
  readonly #addresses: readonly string[];
  readonly #values: Float64Array;
  readonly #from: number;
  readonly #kept: number;
  #last: boolean | null = null;
  #state: 'waiting' | 'holding' | 'active' = 'waiting';
  #dueAt = Infinity;
  #firedAt = -Infinity;
  #open: Firing | undefined;

  /** @param from firings before are not told: the time before it only fills windows and holds */
  constructor(rule: Pick<Rule, 'holdMs' | 'cooldownMs'>, expression: Expression, from: number, kept: number) {
    this.#rule = rule;
    this.#evaluator = expression.start();
    this.#addresses = expression.points.map(nameOfPoint);
    this.#values = new Float64Array(expression.points.length).fill(NaN);
    this.#from = from;
    this.#kept = kept;
  }

  /** Notes a point's value (NaN: none) and quality; `at` follows when all of a moment are noted. */
  set(slot: number, value: number, quality: number): void {
    this.#values[slot] = value;
    this.#evaluator.set(slot, value, quality);
  }

  /** Lets time go on to `time`: what it changes by itself happens at its moment. */
  until(time: number): void {
    for (;;) {
      const { wakeAt } = this.#evaluator;
      if (this.#dueAt <= wakeAt && this.#dueAt <= time) this.#fire(this.#dueAt);
      else if (wakeAt < time) this.at(wakeAt);
      else return;
    }
  }

  /** Evaluates at this moment. */
  at(time: number): void {
    this.evaluations += 1;
    const result = this.#evaluator.evaluate(time);
    const value = Number.isNaN(result) ? null : result === 1;
    if (value === this.#last) return;
    this.#last = value;
    if (this.#state === 'waiting' && value === true) this.#begin(time);
    else if (this.#state === 'holding' && value !== true) this.#wait();
    else if (this.#state === 'active' && value === false) {
      if (this.#open !== undefined) this.#open.returnedAt = time;
      this.#wait();
    }
  }

  #begin(time: number): void {
    const ready = Math.max(0, this.#rule.holdMs, this.#firedAt + this.#rule.cooldownMs - time);
    if (ready === 0) this.#fire(time);
    else {
      this.#state = 'holding';
      this.#dueAt = time + ready;
    }
  }

  #wait(): void {
    this.#state = 'waiting';
    this.#dueAt = Infinity;
    this.#open = undefined;
  }

  #fire(at: number): void {
    this.#state = 'active';
    this.#dueAt = Infinity;
    this.#firedAt = at;
    if (at < this.#from) return;
    this.fired += 1;
    if (this.firings.length >= this.#kept) return;
    const values: Record<string, number | null> = {};
    for (const [slot, address] of this.#addresses.entries()) {
      const value = this.#values[slot] as number;
      values[address] = Number.isNaN(value) ? null : value;
    }
    this.#open = { at, returnedAt: null, values };
    this.firings.push(this.#open);
  }
}
