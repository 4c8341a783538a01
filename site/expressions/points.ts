import { nearest } from '../config/problems.js';
import type { Site } from '../model.js';
import { parseModelAddress, type ModelAddress } from '../models/address.js';
import { meaningOf } from '../models/meaning.js';
import type { Model } from '../models/model.js';
import type { ChannelOfModel } from '../models/stored-address.js';
import { formatPointAddress, parsePointAddress, pointKey, type PointAddress, type PointKind } from '../points.js';

/** A point that an expression reads; one that no channel has is told by its name. */
export interface ReadPoint extends PointAddress {
  readonly name?: string;
}

/** A point's address in text, as people know it. */
export function nameOfPoint(point: ReadPoint): string {
  return point.name ?? formatPointAddress(point);
}

/** What a name stands for that is more than a channel's point as it is. */
export type Meaning = {
  readonly kind: PointKind;
  readonly text: boolean;
  /** Outside them a good value is out of range. */
  readonly min?: number;
  readonly max?: number;
} & (
  | { readonly type: 'point'; readonly point: ReadPoint; readonly scale: number; readonly offset: number }
  /** `scope`: what the names in it stand for. */
  | { readonly type: 'formula'; readonly source: string; readonly scope: () => PointScope }
);

/** The points that an expression may name. */
export interface PointScope {
  /** What a point holds; undefined: there is none. */
  find(address: PointAddress): 'number' | 'text' | undefined;
  /** The point that a name (alias) stands for; undefined: none. */
  alias(name: string): PointAddress | undefined;
  /** The point of a model that an address or a name (alias) stands for, whether there is one or not; undefined: none. */
  model?(written: string): ModelAddress | undefined;
  /** What a name means that stands for no channel's point as it is; undefined: nothing. */
  meaning?(written: string): Meaning | undefined;
  /** In words, what could have stood where `written` is no point. */
  allowed(written: string): string;
}

/** Any address is a point; there are no aliases. */
export const ANY_POINT: PointScope = {
  find: () => 'number',
  alias: () => undefined,
  allowed: () => 'an address such as comsrv:1001:T:1',
};

/** What of a site is needed to know its points. */
export interface SitePoints {
  readonly channels: Site['channels'];
  readonly models?: readonly Model[];
  /** Models that the site file has not: those of callers. */
  readonly otherModel?: (id: string) => Model | undefined;
  /** The numbers of models; default: the first that each may have, which does where nothing is read. */
  readonly channelOf?: ChannelOfModel;
}

/**
 * The points of a site: by address, by `channel name/point name`, and by the aliases given. A name that two points
 * share stands for neither. Those of models by `model:<id>:<point>`.
 */
export function sitePoints(site: SitePoints, aliases: Readonly<Record<string, string>> = {}): PointScope {
  const types = new Map<number, Map<number, 'number' | 'text'>>();
  const names = new Map<string, PointAddress | 'several'>();
  for (const channel of site.channels) {
    const ofChannel = new Map<number, 'number' | 'text'>();
    for (const { kind, id, name, dataType } of channel.points) {
      ofChannel.set(pointKey(kind, id), dataType === 'string' ? 'text' : 'number');
      const full = `${channel.name}/${name}`;
      names.set(full, names.has(full) ? 'several' : { channel: channel.id, kind, id });
    }
    types.set(channel.id, ofChannel);
  }
  for (const [name, text] of Object.entries(aliases)) {
    const address = parsePointAddress(text);
    if (address !== undefined) names.set(name, address);
  }
  const models = new Map((site.models ?? []).map((model) => [model.definition.id, model]));
  const modelOf = (id: string) => models.get(id) ?? site.otherModel?.(id);
  const address = (written: string) =>
    parseModelAddress(Object.hasOwn(aliases, written) ? (aliases[written] as string) : written);
  return {
    model: address,
    meaning: (written) => {
      const found = address(written);
      const model = found && modelOf(found.model);
      return model && meaningOf(model, found.point, site.channelOf);
    },
    find: ({ channel, kind, id }) => types.get(channel)?.get(pointKey(kind, id)),
    alias: (name) => {
      const found = names.get(name);
      return found === 'several' ? undefined : found;
    },
    allowed: (written) => {
      const found = address(written);
      return found === undefined ? allowed(site, names, written) : allowedOfModel([...models.keys()], found, modelOf);
    },
  };
}

function allowed(site: SitePoints, names: ReadonlyMap<string, PointAddress | 'several'>, written: string): string {
  const address = parsePointAddress(written);
  if (address !== undefined) {
    const channel = site.channels.find(({ id }) => id === address.channel);
    if (channel === undefined) return `the channels of this site: ${some(site.channels.map(({ id }) => id))}`;
    const ids = channel.points.filter(({ kind }) => kind === address.kind).map(({ id }) => id);
    return ids.length === 0
      ? `other points, channel ${channel.id} has none of kind ${address.kind}`
      : `the points of kind ${address.kind} of channel ${channel.id}: ${some(ids)}`;
  }
  if (names.get(written) === 'several') return 'its address, as several points have this name';
  const known = nearest(written, [...names.keys()]);
  if (known !== undefined) return `"${known}" perhaps`;
  const example = [...names.values()].find((point) => point !== 'several');
  return `a name of this site, or an address such as ${example === undefined ? 'comsrv:1001:T:1' : formatPointAddress(example)}`;
}

function allowedOfModel(
  ids: readonly string[],
  { model: id, point }: ModelAddress,
  modelOf: (id: string) => Model | undefined,
): string {
  const model = modelOf(id);
  if (model === undefined) {
    const near = nearest(id, ids);
    const allowed = near === undefined ? `the models of this site: ${some(ids)}` : `the model ${near} perhaps`;
    return `${allowed}; there is no model ${id}`;
  }
  const names = model.points.map(({ name }) => name);
  const near = nearest(point, names);
  return near === undefined ? `the points of ${id}: ${some(names)}` : `model:${id}:${near} perhaps`;
}

function some(ids: readonly (number | string)[]): string {
  if (ids.length === 0) return 'none';
  return ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 8).join(', ')} and ${ids.length - 8} more`;
}
