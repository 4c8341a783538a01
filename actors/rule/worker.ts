import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { RuleEvent } from '../../machines/rule.js';
import type { ActionOrder } from '../../machines/rule/executions.js';
import { compileExpression, type PointScope } from '../../site/expressions/index.js';
import { formatPointAddress } from '../../site/points.js';
import type { Rule, RuleAction } from '../../site/rules/rule.js';
import type { Host, Resource, WithoutTime } from '../runtime/kind.js';
import { ConditionWatch, type Finding, type ValueSource } from './condition-watch.js';

/** One action about to be taken. */
export interface ActionRun {
  readonly action: RuleAction;
  readonly rule: Rule;
  /** Addresses and values of the condition's points when the rule fired; null: unknown. */
  readonly values: Readonly<Record<string, number | null>>;
  /** When it fired, ms since the Unix epoch. */
  readonly at: number;
  /** Names the action for ever: what has it already must not do it again. */
  readonly key: string;
  /** Aborted when the rule ends here. */
  readonly signal: AbortSignal;
}

/** What rules need of their node. */
export interface RuleParts extends ValueSource {
  /** The points of the site as it is configured now. */
  points(): PointScope;
  /** IANA name; default that of the machine. */
  readonly timeZone?: string;
  /** Resolves when the action has been taken. A StatewattError that is retryable is tried again for a while. */
  act(run: ActionRun): Promise<void>;
}

const ATTEMPTS = 5;
const BACKOFF_MS = 200;
/** Changes of the condition that wait to be journaled; beyond it the newest takes the place of the last. */
const MAX_CHANGES = 100;

/** The live part of a rule: evaluates its condition, tells the chart of changes, takes its actions. */
export class RuleWorker implements Resource {
  readonly #id: string;
  readonly #host: Host<WithoutTime<RuleEvent>>;
  readonly #parts: RuleParts;
  readonly #closing = new AbortController();
  #points: readonly string[] = [];
  #watch: ConditionWatch | undefined;
  #problem: string | null = null;
  #changes: Finding[] = [];
  #telling = false;
  #taking = '';

  constructor(id: string, host: Host<WithoutTime<RuleEvent>>, parts: RuleParts) {
    this.#id = id;
    this.#host = host;
    this.#parts = parts;
  }

  inspect() {
    return { watching: this.#watch !== undefined, problem: this.#problem, changesWaiting: this.#changes.length };
  }

  /** Evaluates the rule's condition from now on, in place of what was watched before. */
  watch(rule: Rule | null): void {
    this.unwatch();
    if (rule === null) return;
    try {
      const { expression, deadband } = rule;
      const { timeZone } = this.#parts;
      const compiled = compileExpression(expression, {
        points: this.#parts.points(),
        result: 'condition',
        deadband,
        ...(timeZone === undefined ? {} : { timeZone }),
      });
      this.#points = compiled.points.map(formatPointAddress);
      this.#watch = new ConditionWatch(compiled, this.#parts, (finding) => this.#changed(finding));
      this.#problem = null;
    } catch (error) {
      if (!(error instanceof StatewattError)) throw error;
      this.#problem = error.message; // The site has changed since; the rule's next configuration sets it right.
      return;
    }
    this.#watch.start().catch((error: unknown) => this.#host.fail(error));
  }

  unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#changes = [];
  }

  async evaluateNow(request: string): Promise<void> {
    const { value, values } = this.#watch?.evaluate() ?? { value: null, values: [] };
    await this.#host.send({ type: 'evaluated', request, value, values });
  }

  /** Takes an action, unless it is being taken; the chart hears what became of it. */
  take(order: ActionOrder | null, rule: Rule | null): void {
    if (order === null || rule === null) return;
    const name = `${order.execution}.${order.index}`;
    if (this.#taking === name) return;
    this.#taking = name;
    this.#take(order, rule, `rule/${this.#id}#${name}`).catch((error: unknown) => this.#host.fail(error));
  }

  close(): Promise<void> {
    this.unwatch();
    this.#closing.abort();
    return Promise.resolve();
  }

  async #take(order: ActionOrder, rule: Rule, key: string): Promise<void> {
    const { execution, index, action, at } = order;
    const values = Object.fromEntries(this.#points.map((point, slot) => [point, order.values[slot] ?? null]));
    const { signal } = this.#closing;
    let event: WithoutTime<RuleEvent>;
    try {
      await insist(() => this.#parts.act({ action, rule, values, at, key, signal }), signal);
      event = { type: 'action.done', execution, index };
    } catch (error) {
      event = {
        type: 'action.failed',
        execution,
        index,
        error: toStatewattError(error, 'rules.action_failed').toJSON(),
      };
    }
    if (!signal.aborted) await this.#host.send(event);
  }

  #changed(finding: Finding): void {
    if (this.#changes.length >= MAX_CHANGES) this.#changes.pop();
    this.#changes.push(finding);
    if (!this.#telling) this.#tell().catch((error: unknown) => this.#host.fail(error));
  }

  /** One after the other, so that each edge counts. */
  async #tell(): Promise<void> {
    this.#telling = true;
    try {
      for (let change = this.#changes.shift(); change !== undefined; change = this.#changes.shift()) {
        await this.#host.send({ type: 'condition', ...change });
      }
    } finally {
      this.#telling = false;
    }
  }
}

/** Tries what another try may help, with growing pauses. */
async function insist(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const again = error instanceof StatewattError && error.retryable && attempt < ATTEMPTS && !signal.aborted;
      if (!again) throw error;
      await new Promise((resolve) => setTimeout(resolve, BACKOFF_MS * 2 ** (attempt - 1)));
    }
  }
}
