import { StatewattError, toStatewattError } from '../../errors/error.js';
import type { RuleEvent } from '../../machines/rule.js';
import type { ActionOrder } from '../../machines/rule/executions.js';
import { compileExpression, nameOfPoint, type Expression, type PointScope } from '../../site/expressions/index.js';
import type { FramePositions, PointValues, Rule, RuleAction } from '../../site/rules/rule.js';
import type { Host, Resource, WithoutTime } from '../runtime/kind.js';
import { ConditionWatch, type Finding, type ValueSource } from './condition-watch.js';

/** One action about to be taken. */
export interface ActionRun {
  readonly action: RuleAction;
  /** Id of the rule. */
  readonly rule: string;
  /** Values of the condition's points when the rule fired. */
  readonly values: PointValues;
  /** When it fired, ms since the Unix epoch. */
  readonly at: number;
  /** Names the action for ever: what has it already must not do it again. */
  readonly key: string;
  /** Aborted when the rule ends here, and when something else is to be done instead. */
  readonly signal: AbortSignal;
}

/** What rules need of their node. */
export interface RuleParts extends ValueSource {
  /** The points of the site as it is configured now. */
  points(): PointScope;
  /** IANA name of the site's time zone; undefined: that of the machine. */
  timeZone(): string | undefined;
  /** Calls back whenever `points` or `timeZone` may say something else; answers a function that ends it. */
  onSite(listener: () => void): () => void;
  /** Has `points` know the models of callers that a rule names; calls back when one is another. Absent: there are none. */
  followModels?(rule: Rule, changed: () => void): () => void;
  /** Resolves when the action has been taken. A StatewattError that is retryable is tried again for a while. */
  act(run: ActionRun): Promise<void>;
}

const ATTEMPTS = 5;
const BACKOFF_MS = { initial: 200, max: 30_000 } as const;
/** Changes of the condition that wait to be journaled; beyond it the newest takes the place of the last. */
const MAX_CHANGES = 100;

/** What the live part of a rule shows of itself. */
export interface RuleLive {
  readonly watching: boolean;
  /** Why the condition cannot be evaluated on the site as it is; null when it can. */
  readonly problem: string | null;
  readonly changesWaiting: number;
}

type Told = Extract<WithoutTime<RuleEvent>, { type: 'condition' | 'evaluated' }>;

/** The live part of a rule: evaluates its condition, tells the chart of changes, takes its actions. */
export class RuleWorker implements Resource {
  readonly #id: string;
  readonly #host: Host<WithoutTime<RuleEvent>>;
  readonly #parts: RuleParts;
  readonly #endSite: () => void;
  #rule: Rule | null = null;
  /** Names what the rule was compiled to: its points by address, what names of models mean, and the time zone. */
  #compiled = '';
  #watch: ConditionWatch | undefined;
  /** The frames that the condition was told as of. */
  #upTo: FramePositions = {};
  #problem: string | null = null;
  #endModels: (() => void) | undefined;
  #changes: Told[] = [];
  #telling = false;
  /** The action that is being taken. */
  #taking = { name: '', end: new AbortController() };

  constructor(id: string, host: Host<WithoutTime<RuleEvent>>, parts: RuleParts) {
    this.#id = id;
    this.#host = host;
    this.#parts = parts;
    this.#endSite = parts.onSite(() => this.#siteChanged());
  }

  inspect(): RuleLive {
    return { watching: this.#watch !== undefined, problem: this.#problem, changesWaiting: this.#changes.length };
  }

  /**
   * Evaluates the rule's condition from now on, in place of what was watched before.
   *
   * @param upTo the frames that it was told as of, perhaps on another node: nothing older is told again
   */
  watch(rule: Rule | null, upTo: FramePositions = {}): void {
    // Before those of the rule before are left: they may be the same.
    const endModels = rule === null ? undefined : this.#parts.followModels?.(rule, () => this.#siteChanged());
    this.unwatch();
    if (rule === null) return;
    this.#endModels = endModels;
    this.#rule = rule;
    this.#upTo = upTo;
    const compiled = this.#compile(rule);
    this.#compiled = nameOf(compiled, this.#parts.timeZone());
    if (compiled === undefined) return;
    const told = (finding: Finding): void => this.#tell({ type: 'condition', ...finding });
    this.#watch = new ConditionWatch(compiled, this.#parts, told, upTo);
    this.#watch.start().catch((error: unknown) => this.#host.fail(error));
  }

  unwatch(): void {
    this.#watch?.close();
    this.#watch = undefined;
    this.#endModels?.();
    this.#endModels = undefined;
    this.#rule = null;
    this.#problem = null;
    this.#changes = [];
  }

  async evaluateNow(request: string): Promise<void> {
    const watch = this.#watch;
    const finding: Finding = (await watch?.look()) ?? { value: null, values: {}, upTo: this.#upTo };
    // What it is now comes behind the changes that led to it.
    if (watch === this.#watch) this.#tell({ type: 'evaluated', request, ...finding });
  }

  /** Takes an action, unless it is being taken; the chart hears what became of it. What was being taken ends. */
  take(order: ActionOrder | null): void {
    const name = order === null ? '' : `${order.execution}.${order.index}`;
    if (this.#taking.name === name) return;
    this.#taking.end.abort();
    this.#taking = { name, end: new AbortController() };
    if (order === null) return;
    this.#take(order, `rule/${this.#id}#${name}`).catch((error: unknown) => this.#host.fail(error));
  }

  close(): Promise<void> {
    this.#endSite();
    this.unwatch();
    this.#taking.end.abort();
    return Promise.resolve();
  }

  async #take(order: ActionOrder, key: string): Promise<void> {
    const { execution, index, action, at, values, mustSucceed = false } = order;
    const { signal } = this.#taking.end;
    const run: ActionRun = { action, rule: this.#id, values, at, key, signal };
    let event: WithoutTime<RuleEvent>;
    try {
      await insist(() => this.#parts.act(run), mustSucceed ? Infinity : ATTEMPTS, signal);
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

  /** undefined when the site is not what the rule was made for; the problem says why. */
  #compile({ expression, deadband }: Rule): Expression | undefined {
    const timeZone = this.#parts.timeZone();
    const zone = timeZone === undefined ? {} : { timeZone };
    try {
      this.#problem = null;
      return compileExpression(expression, { points: this.#parts.points(), result: 'condition', deadband, ...zone });
    } catch (error) {
      if (!(error instanceof StatewattError)) throw error;
      this.#problem = error.message;
      return undefined;
    }
  }

  /** Windows and holds begin anew only when the rule means something else now. */
  #siteChanged(): void {
    const rule = this.#rule;
    if (rule !== null && nameOf(this.#compile(rule), this.#parts.timeZone()) !== this.#compiled)
      this.watch(rule, this.#upTo);
  }

  #tell(event: Told): void {
    this.#upTo = event.upTo ?? this.#upTo;
    const full = this.#changes.length >= MAX_CHANGES && event.type === 'condition';
    if (full && this.#changes.at(-1)?.type === 'condition') this.#changes.pop();
    this.#changes.push(event);
    if (!this.#telling) this.#send().catch((error: unknown) => this.#host.fail(error));
  }

  /** One after the other, so that each edge counts. */
  async #send(): Promise<void> {
    this.#telling = true;
    try {
      for (let change = this.#changes.shift(); change !== undefined; change = this.#changes.shift()) {
        await this.#host.send(change);
      }
    } finally {
      this.#telling = false;
    }
  }
}

function nameOf(compiled: Expression | undefined, timeZone: string | undefined): string {
  if (compiled === undefined) return '';
  return JSON.stringify([compiled.points.map(nameOfPoint), compiled.meanings, timeZone]);
}

/** Tries what another try may help, with growing pauses. */
async function insist(work: () => Promise<void>, attempts: number, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const again = error instanceof StatewattError && error.retryable && attempt < attempts && !signal.aborted;
      if (!again) throw error;
      await pause(Math.min(BACKOFF_MS.max, BACKOFF_MS.initial * 2 ** Math.min(attempt - 1, 10)), signal);
    }
  }
}

/** Ends early when the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        resolve();
      },
      { once: true },
    );
  });
}
