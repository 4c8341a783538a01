import { createHash } from 'node:crypto';
import { ruleRef, type RuleKind } from '../actors/rule.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
import type { RuleContext } from '../machines/rule.js';
import { compileExpression, sitePoints } from '../site/expressions/index.js';
import type { Site } from '../site/model.js';
import { formatPointAddress } from '../site/points.js';
import { findLoops } from '../site/rules/loops.js';
import type { Rule } from '../site/rules/rule.js';
import type { SiteHolder } from './site-holder.js';

/** Rules that are configured at once. */
const WIDTH = 32;
const DEADLINE_MS = 30_000;

export interface RulesParts {
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
  readonly kind: RuleKind;
  readonly holder: SiteHolder;
  /** Something about one rule did not succeed; it goes on with what it has. */
  readonly onTrouble: (rule: string, error: unknown) => void;
}

/** A rule as its actor is told it. */
interface Configuration {
  readonly rule: Rule;
  readonly revision: string;
  readonly loop: string | null;
}

/** Brings the rules of the site to life and tells them what the configuration says, now and after each reload. */
export class Rules {
  readonly #parts: RulesParts;
  #configurations: readonly Configuration[];
  #stopped = false;

  constructor(parts: RulesParts) {
    this.#parts = parts;
    this.#configurations = configurationsOf(parts.holder.site);
  }

  /** The actors that are to live whenever their partition is owned. */
  refs(): Ref[] {
    return this.#configurations.map(({ rule }) => ruleRef(this.#parts.kind, rule.id));
  }

  /** After each change of the partitions that this node owns. */
  own(partitions: ReadonlySet<number>): Promise<void> {
    return this.#forEach(this.#configurations, (configuration) => this.#configure(configuration, partitions));
  }

  /** After the holder has the new site. */
  async apply(): Promise<void> {
    const before = this.#configurations;
    this.#configurations = configurationsOf(this.#parts.holder.site);
    const ids = new Set(this.#configurations.map(({ rule }) => rule.id));
    await this.#forEach(
      before.filter(({ rule }) => !ids.has(rule.id)),
      (configuration) => this.#remove(configuration),
    );
    await this.own(this.#parts.system().owned);
  }

  /** Begins with no further rule: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  /** The owner of its partition does it. */
  async #configure({ rule, revision, loop }: Configuration, owned: ReadonlySet<number>): Promise<void> {
    const system = this.#parts.system();
    const to = ruleRef(this.#parts.kind, rule.id);
    if (this.#stopped || !owned.has(partitionOf(to))) return;
    await system.activate(to);
    const known = system.inspect(to)?.context as RuleContext | undefined;
    if (known?.revision === revision) return;
    await system.ask(to, { type: 'configure', revision, rule, loop }, { deadline: DEADLINE_MS });
  }

  /** Disabled, so that a later return of the rule turns it on again. */
  async #remove({ rule }: Configuration): Promise<void> {
    const system = this.#parts.system();
    const to = ruleRef(this.#parts.kind, rule.id);
    if (!system.owned.has(partitionOf(to))) return;
    const removed = { type: 'configure', revision: 'removed', rule: { ...rule, enabled: false }, loop: null } as const;
    await system.ask(to, removed, { deadline: DEADLINE_MS });
    await system.retire(to);
  }

  async #forEach(items: readonly Configuration[], work: (item: Configuration) => Promise<void>): Promise<void> {
    const queue = items.values();
    const worker = async (): Promise<void> => {
      for (const item of queue) {
        try {
          await work(item);
        } catch (error) {
          if (!this.#stopped) this.#parts.onTrouble(item.rule.id, error);
        }
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, worker));
  }
}

/** Higher priorities first, so that they are brought to life first. */
function configurationsOf(site: Site): Configuration[] {
  const points = sitePoints(site, site.aliases);
  const traffic = site.rules.map((rule) => ({
    rule,
    id: rule.id,
    reads: compileExpression(rule.expression, { points, result: 'condition' }).points.map(formatPointAddress),
    writes: rule.actions.flatMap((action) => (action.type === 'write' ? [action.point] : [])),
  }));
  const loops = findLoops(traffic);
  return traffic
    .map(({ rule, reads }) => {
      const loop = loops.get(rule.id) ?? null;
      // What its names stand for counts too: an alias may have moved to another point.
      const text = JSON.stringify({ rule, loop, reads });
      return { rule, loop, revision: createHash('sha256').update(text).digest('hex').slice(0, 16) };
    })
    .sort((a, b) => b.rule.priority - a.rule.priority);
}
