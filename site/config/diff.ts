import { isDeepStrictEqual } from 'node:util';
import type { ChannelConfig, Site } from '../model.js';

/** What of a channel changed: a key of its configuration. */
export type ChannelPart = KeysOf<ChannelConfig>;
type KeysOf<T> = T extends unknown ? keyof T : never;

/** One channel that two sites have not in common. */
export type ChannelChange =
  | { readonly change: 'added'; readonly id: number; readonly after: ChannelConfig }
  | { readonly change: 'removed'; readonly id: number; readonly before: ChannelConfig }
  | {
      readonly change: 'changed';
      readonly id: number;
      readonly before: ChannelConfig;
      readonly after: ChannelConfig;
      /** In the order of the configuration's keys; holds `protocol` when the channel became another sort of channel. */
      readonly parts: readonly ChannelPart[];
    };

/** The channels that differ between two sites, ascending by id. */
export function diffSites(before: Site, after: Site): ChannelChange[] {
  const changes: ChannelChange[] = [];
  const left = new Map(before.channels.map((channel) => [channel.id, channel]));
  for (const channel of after.channels) {
    const { id } = channel;
    const old = left.get(id);
    left.delete(id);
    if (old === undefined) {
      changes.push({ change: 'added', id, after: channel });
      continue;
    }
    const parts = changedParts(old, channel);
    if (parts.length > 0) changes.push({ change: 'changed', id, before: old, after: channel, parts });
  }
  for (const [id, channel] of left) changes.push({ change: 'removed', id, before: channel });
  return changes.sort((a, b) => a.id - b.id);
}

function changedParts(before: ChannelConfig, after: ChannelConfig): ChannelPart[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof ChannelConfig)[];
  return keys.filter((key) => !isDeepStrictEqual(before[key], after[key]));
}
