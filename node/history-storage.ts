import { ruleMatcher, type StoragePlan } from '../site/history/mapping.js';
import type { Site } from '../site/model.js';
import type { PointKind } from '../site/points.js';
import type { KnownMappings } from '../actors/projections/known-mappings.js';
import { rulesOfCallers } from './history-mappings.js';
import { PointIndexes } from './point-index.js';
import type { SiteHolder } from './site-holder.js';

/**
 * What history stores, by the site as it is and what callers have added. The site file has the first word. What is stored
 * of models is chosen where they live (actors/models/record.ts): nothing is known of their names here.
 */
export class HistoryStorage {
  readonly #holder: SiteHolder;
  readonly #known: Pick<KnownMappings, 'all' | 'version'>;
  readonly #indexes = new PointIndexes();
  /** What the plan was made of. */
  #of: Site;
  #version = -1;
  #plan: StoragePlan;

  constructor(holder: SiteHolder, known: Pick<KnownMappings, 'all' | 'version'>) {
    this.#holder = holder;
    this.#known = known;
    this.#of = holder.site;
    this.#plan = this.#make();
  }

  /** The plan in force; the same object as long as nothing has changed. */
  get plan(): StoragePlan {
    if (this.#holder.site !== this.#of || this.#known.version !== this.#version) this.#plan = this.#make();
    return this.#plan;
  }

  /** Whether a point is one that others write into Redis, and that is kept. */
  collects(channel: number, kind: PointKind, id: number): boolean {
    return this.plan.rules.some((rule) => rule.collectMs !== undefined && ruleMatcher(rule)(channel, kind, id));
  }

  #make(): StoragePlan {
    const holder = this.#holder;
    this.#of = holder.site;
    this.#version = this.#known.version;
    return {
      rules: [...(holder.site.history.mapping ?? []), ...rulesOfCallers(this.#known.all, holder.site)],
      nameOf: (channel, kind, id) => {
        const config = holder.channel(channel);
        return config === undefined ? undefined : this.#indexes.of(config).find(kind, id)?.point.name;
      },
    };
  }
}
