import type { ModelChange, ModelHistoryPage, ModelHistoryQuery, ModelVerdicts } from '../actors/client/model-data.js';
import type { NewModel } from '../actors/client/model-schemas.js';
import { createModels } from './model-bulk.js';
import { modelHistory } from './model-history.js';
import type { ModelService } from './model-service.js';
import { watchModel, type ModelWatchParts } from './model-watch.js';
import type { HistoryStore } from '../protocols/clickhouse/types.js';
import type { SiteHolder } from './site-holder.js';

export interface ModelDataParts {
  readonly holder: SiteHolder;
  readonly history: Pick<HistoryStore, 'query'>;
  readonly feed: ModelWatchParts['feed'];
  readonly bus: ModelWatchParts['bus'];
}

/** What callers can ask of models beside one at a time: many at once, what they were, and how they change. */
export class ModelData {
  readonly #parts: ModelDataParts;
  readonly #service: ModelService;

  constructor(parts: ModelDataParts, service: ModelService) {
    this.#parts = parts;
    this.#service = service;
  }

  createMany(models: readonly NewModel[]): Promise<ModelVerdicts> {
    return createModels(models, {
      known: async () => new Set((await this.#service.models()).map(({ id }) => id)),
      create: (model, isThere) => this.#service.create(model, isThere),
    });
  }

  watch(id: string, signal: AbortSignal): AsyncIterable<ModelChange> {
    const { feed, bus, holder } = this.#parts;
    return watchModel({ feed, bus, site: () => holder.site, load: (model) => this.#service.values(model) }, id, signal);
  }

  async history(query: ModelHistoryQuery): Promise<ModelHistoryPage> {
    return modelHistory(await this.#service.stored(query), query, (asked) => this.#parts.history.query(asked));
  }
}
