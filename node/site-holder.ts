import { createHash } from 'node:crypto';
import { sitePoints, type PointScope } from '../site/expressions/index.js';
import type { ChannelConfig, Site } from '../site/model.js';

/** The site's configuration as it is now; a reload replaces it as a whole. */
export class SiteHolder {
  #site: Site;
  #channels: ReadonlyMap<number, ChannelConfig>;
  #points: PointScope | undefined;

  constructor(site: Site) {
    this.#site = site;
    this.#channels = byId(site);
  }

  get site(): Site {
    return this.#site;
  }

  /** The points that expressions may name; made once, for thousands of rules ask for it. */
  get points(): PointScope {
    this.#points ??= sitePoints(this.#site, this.#site.aliases);
    return this.#points;
  }

  channel(id: number): ChannelConfig | undefined {
    return this.#channels.get(id);
  }

  replace(site: Site): void {
    this.#site = site;
    this.#channels = byId(site);
    this.#points = undefined;
  }
}

/** Names a channel's configuration: equal configurations have equal revisions. */
export function revisionOf(channel: ChannelConfig): string {
  return createHash('sha256').update(JSON.stringify(channel)).digest('hex').slice(0, 16);
}

function byId(site: Site): ReadonlyMap<number, ChannelConfig> {
  return new Map(site.channels.map((channel) => [channel.id, channel]));
}
