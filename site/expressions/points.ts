import type { Site } from '../model.js';
import { formatPointAddress, parsePointAddress, pointKey, type PointAddress } from '../points.js';
import { nearest } from '../config/problems.js';

/** The points that an expression may name. */
export interface PointScope {
  /** What a point holds; undefined: there is none. */
  find(address: PointAddress): 'number' | 'text' | undefined;
  /** The point that a name (alias) stands for; undefined: none. */
  alias(name: string): PointAddress | undefined;
  /** In words, what could have stood where `written` is no point. */
  allowed(written: string): string;
}

/** Any address is a point; there are no aliases. */
export const ANY_POINT: PointScope = {
  find: () => 'number',
  alias: () => undefined,
  allowed: () => 'an address such as comsrv:1001:T:1',
};

/**
 * The points of a site: by address, by `channel name/point name`, and by the aliases given. A name that two points
 * share stands for neither.
 */
export function sitePoints(site: Pick<Site, 'channels'>, aliases: Readonly<Record<string, string>> = {}): PointScope {
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
  return {
    find: ({ channel, kind, id }) => types.get(channel)?.get(pointKey(kind, id)),
    alias: (name) => {
      const found = names.get(name);
      return found === 'several' ? undefined : found;
    },
    allowed: (written) => allowed(site, names, written),
  };
}

function allowed(
  site: Pick<Site, 'channels'>,
  names: ReadonlyMap<string, PointAddress | 'several'>,
  written: string,
): string {
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

function some(ids: readonly number[]): string {
  return ids.length <= 8 ? ids.join(', ') : `${ids.slice(0, 8).join(', ')} and ${ids.length - 8} more`;
}
