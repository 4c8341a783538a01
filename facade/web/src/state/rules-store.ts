import { signal } from '@preact/signals';
import type { RuleExecution, RulesQuery, RuleView } from '../../../../actors/client/rules.js';
import type { RulesApi } from '../rules-api.js';
import { Poll } from './poll.js';
import type { RuleState } from './rule-words.js';

export interface RuleFilter {
  readonly state: RuleState | undefined;
  readonly text: string;
}

const LIST_EVERY_MS = 3_000;
const DETAIL_EVERY_MS = 1_500;
const FIRST_LIMIT = 500;
const MOST = 10_000;

/** The rules that match a filter, asked at intervals while they are shown. */
export class RulesStore {
  readonly filter = signal<RuleFilter>({ state: undefined, text: '' });
  readonly rules = signal<readonly RuleView[]>([]);
  /** There are more than were loaded. */
  readonly hasMore = signal(false);
  readonly poll: Poll;
  readonly #api: RulesApi;
  #limit = FIRST_LIMIT;

  constructor(api: RulesApi) {
    this.#api = api;
    this.poll = new Poll(LIST_EVERY_MS, (isCurrent) => this.#load(isCurrent));
  }

  show(change: Partial<RuleFilter>): void {
    this.filter.value = { ...this.filter.value, ...change };
    this.poll.now();
  }

  more(): void {
    this.#limit = Math.min(MOST, this.#limit * 5);
    this.poll.now();
  }

  /** A rule as a command answered it. */
  put(rule: RuleView): void {
    this.rules.value = this.rules.value.map((other) => (other.id === rule.id ? rule : other));
    this.poll.now();
  }

  async #load(isCurrent: () => boolean): Promise<void> {
    const { state, text } = this.filter.value;
    const trimmed = text.trim();
    const query: RulesQuery = {
      limit: this.#limit,
      ...(state === undefined ? {} : { state }),
      ...(trimmed === '' ? {} : { text: trimmed }),
    };
    const page = await this.#api.list(query);
    if (!isCurrent()) return;
    this.rules.value = page.rules;
    this.hasMore.value = page.nextCursor !== null;
  }
}

/** One rule with what it has done. */
export class RuleDetailStore {
  readonly rule = signal<RuleView | undefined>(undefined);
  readonly executions = signal<readonly RuleExecution[]>([]);
  readonly poll: Poll;
  readonly #api: RulesApi;
  #id: string | undefined;

  constructor(api: RulesApi) {
    this.#api = api;
    this.poll = new Poll(DETAIL_EVERY_MS, (isCurrent) => this.#load(isCurrent));
  }

  /** Follows this rule from now on; undefined follows none. */
  select(id: string | undefined): void {
    if (id === this.#id) return;
    this.#id = id;
    this.rule.value = undefined;
    this.executions.value = [];
    if (id === undefined) this.poll.stop();
    else this.poll.start();
  }

  /** A rule as a command answered it. */
  put(rule: RuleView): void {
    if (rule.id !== this.#id) return;
    this.rule.value = rule;
    this.poll.now();
  }

  async #load(isCurrent: () => boolean): Promise<void> {
    const id = this.#id;
    if (id === undefined) return;
    const [rule, { executions }] = await Promise.all([this.#api.get(id), this.#api.executions(id)]);
    if (!isCurrent()) return;
    this.rule.value = rule;
    this.executions.value = executions;
  }
}
