import type { StoragePlan } from '../site/history/mapping.js';
import type { Site } from '../site/model.js';
import { PointIndexes } from './point-index.js';
import type { SiteHolder } from './site-holder.js';

/** What history stores, by the site as it is. */
export class HistoryStorage {
  readonly #holder: SiteHolder;
  readonly #indexes = new PointIndexes();
  #of: Site;
  #plan: StoragePlan;

  constructor(holder: SiteHolder) {
    this.#holder = holder;
    this.#of = holder.site;
    this.#plan = this.#make();
  }

  /** The plan in force; the same object as long as nothing has changed. */
  get plan(): StoragePlan {
    if (this.#holder.site !== this.#of) this.#plan = this.#make();
    return this.#plan;
  }

  #make(): StoragePlan {
    const holder = this.#holder;
    this.#of = holder.site;
    return {
      rules: holder.site.history.mapping ?? [],
      nameOf: (channel, kind, id) => {
        const config = holder.channel(channel);
        return config === undefined ? undefined : this.#indexes.of(config).find(kind, id)?.point.name;
      },
    };
  }
}
