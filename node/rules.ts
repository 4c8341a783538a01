import { createHash } from 'node:crypto';
import { ruleRef, type RuleKind } from '../actors/rule.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
import type { RuleContext } from '../machines/rule.js';
import { compileExpression, nameOfPoint } from '../site/expressions/index.js';
import { findLoops } from '../site/rules/loops.js';
import type { Rule } from '../site/rules/rule.js';
import type { CallersModels } from './callers-models.js';
import { relateRules, writesOf } from './rule-loops.js';
import type { SiteHolder } from './site-holder.js';

/** Rules that are configured at once. */
const WIDTH = 32;
const DEADLINE_MS = 30_000;

export interface RulesParts {
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
  readonly kind: RuleKind;
  readonly holder: SiteHolder;
  readonly models: Pick<CallersModels, 'during'>;
  /** Ids of the rules that ever were. */
  readonly known: () => Promise<readonly string[]>;
  /** Something about one rule did not succeed; it goes on with what it has. */
  readonly onTrouble: (rule: string, error: unknown) => void;
}

/** A rule of the site file as its actor is told it. */
interface Configuration {
  readonly rule: Rule;
  readonly revision: string;
  readonly loop: string | null;
}

/** Brings rules to life, and tells those of the site file what it says, now and after each reload. */
export class Rules {
  readonly #parts: RulesParts;
  readonly #listeners = new Set<() => void>();
  #configurations: readonly Configuration[];
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: RulesParts) {
    this.#parts = parts;
    this.#configurations = configurationsOf(parts.holder);
  }

  /** The actors that are to live whenever their partition is owned: those of the site file, and those of callers. */
  async refs(): Promise<Ref[]> {
    const ids = new Set([...this.#configurations.map(({ rule }) => rule.id), ...(await this.#parts.known())]);
    return [...ids].map((id) => ruleRef(this.#parts.kind, id));
  }

  /** After each change of the partitions that this node owns. */
  own(partitions: ReadonlySet<number>): Promise<void> {
    this.#working = this.#working.then(() => this.#align(partitions));
    return this.#working;
  }

  /** After the holder has the new site. */
  async apply(): Promise<void> {
    const { system, kind, onTrouble } = this.#parts;
    this.#configurations = configurationsOf(this.#parts.holder);
    await this.own(system().owned);
    for (const listener of this.#listeners) listener();
    if (this.#stopped) return;
    await relateRules(system(), kind, this.#parts.holder, this.#parts.models).catch((error: unknown) =>
      onTrouble('of callers', error),
    );
  }

  /** Calls back after each change of the site; answers a function that ends it. */
  onSite(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins with no further rule: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  async #align(owned: ReadonlySet<number>): Promise<void> {
    const { kind } = this.#parts;
    const wanted = new Set(this.#configurations.map(({ rule }) => rule.id));
    await this.#forEach(
      this.#configurations.map((configuration) => [configuration.rule.id, () => this.#configure(configuration)]),
      owned,
    );
    const here = this.#parts.system().actors();
    const others = here.filter((actor) => actor.kind === kind.kind && !wanted.has(actor.id));
    await this.#forEach(
      others.map(({ id }) => [id, () => this.#tidy(id)]),
      owned,
    );
  }

  async #configure({ rule, revision, loop }: Configuration): Promise<void> {
    const system = this.#parts.system();
    const to = ruleRef(this.#parts.kind, rule.id);
    await system.activate(to);
    const known = system.inspect(to)?.context as RuleContext | undefined;
    if (known?.revision === revision) return;
    await system.ask(to, { type: 'configure', revision, rule, loop }, { deadline: DEADLINE_MS });
  }

  /** A rule that the site file no longer has goes; one that is gone needs no actor. */
  async #tidy(id: string): Promise<void> {
    const system = this.#parts.system();
    const to = ruleRef(this.#parts.kind, id);
    const context = system.inspect(to)?.context as RuleContext | undefined;
    if (context === undefined || context.source === 'caller') return;
    if (context.source === null && context.withdrawals.length > 0) return; // It has alarms to clear yet.
    if (context.source === 'site') await system.ask(to, { type: 'remove', source: 'site' }, { deadline: DEADLINE_MS });
    await system.retire(to);
  }

  /** For those whose partition this node owns; a failure of one holds up none of the others. */
  async #forEach(
    items: readonly (readonly [id: string, work: () => Promise<void>])[],
    owned: ReadonlySet<number>,
  ): Promise<void> {
    const queue = items.values();
    const worker = async (): Promise<void> => {
      for (const [id, work] of queue) {
        if (this.#stopped || !owned.has(partitionOf(ruleRef(this.#parts.kind, id)))) continue;
        try {
          await work();
        } catch (error) {
          if (!this.#stopped) this.#parts.onTrouble(id, error);
        }
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, worker));
  }
}

/** Higher priorities first, so that they are brought to life first. */
function configurationsOf({ site, points }: SiteHolder): Configuration[] {
  const traffic = site.rules.map((rule) => {
    const { points: read, meanings } = compileExpression(rule.expression, { points, result: 'condition' });
    return { rule, id: rule.id, reads: read.map(nameOfPoint), meanings, writes: writesOf(rule, site) };
  });
  const loops = findLoops(traffic);
  return traffic
    .map(({ rule, reads, meanings }) => {
      const loop = loops.get(rule.id) ?? null;
      // What its names stand for counts too: an alias may have moved to another point.
      const text = JSON.stringify({ rule, loop, reads, ...(meanings.length === 0 ? {} : { meanings }) });
      return { rule, loop, revision: createHash('sha256').update(text).digest('hex').slice(0, 16) };
    })
    .sort((a, b) => b.rule.priority - a.rule.priority);
}
