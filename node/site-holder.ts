import { createHash } from 'node:crypto';
import { sitePoints, type PointScope } from '../site/expressions/index.js';
import type { ChannelConfig, Site } from '../site/model.js';
import { firstChannel, type ChannelOfModel } from '../site/models/stored-address.js';
import type { Model } from '../site/models/model.js';

/** The site's configuration as it is now; a reload replaces it as a whole. */
export class SiteHolder {
  #site: Site;
  #channels: ReadonlyMap<number, ChannelConfig>;
  #points: PointScope | undefined;
  #models: ReadonlyMap<string, Model>;
  #others: (id: string) => Model | undefined = () => undefined;
  #channelOf: ChannelOfModel = firstChannel;

  constructor(site: Site) {
    this.#site = site;
    this.#channels = byId(site);
    this.#models = modelsById(site);
  }

  get site(): Site {
    return this.#site;
  }

  /** The points that expressions may name; made once, for thousands of rules ask for it. */
  get points(): PointScope {
    this.#points ??= sitePoints(
      { ...this.#site, otherModel: this.otherModel, channelOf: this.channelOfModel },
      this.#site.aliases,
    );
    return this.#points;
  }

  /** A model that the site file has not, as callers have made it; undefined: none that is known here. */
  readonly otherModel = (id: string): Model | undefined => this.#others(id);

  /** Where models of callers are known. */
  useModels(others: (id: string) => Model | undefined): void {
    this.#others = others;
  }

  /** The number of a model as a channel. */
  readonly channelOfModel: ChannelOfModel = (id) => this.#channelOf(id);

  /** Where the numbers of models are known: of those of the site file all, whenever there is another. */
  useNumbers(channelOf: ChannelOfModel): void {
    this.#channelOf = channelOf;
    this.replace(this.#site);
  }

  /** A model of the site file by its id; undefined: there is none. */
  model(id: string): Model | undefined {
    return this.#models.get(id);
  }

  channel(id: number): ChannelConfig | undefined {
    return this.#channels.get(id);
  }

  replace(site: Site): void {
    this.#site = site;
    this.#channels = byId(site);
    this.#models = modelsById(site);
    this.#points = undefined;
  }
}

/** Names a channel's configuration: equal configurations have equal revisions. */
export function revisionOf(channel: ChannelConfig): string {
  return createHash('sha256').update(JSON.stringify(channel)).digest('hex').slice(0, 16);
}

function modelsById({ models }: Site): ReadonlyMap<string, Model> {
  return new Map(models.map((model) => [model.definition.id, model]));
}

function byId(site: Site): ReadonlyMap<number, ChannelConfig> {
  return new Map(site.channels.map((channel) => [channel.id, channel]));
}
