import type { ChannelConfig } from './model.js';
import type { PointAddress } from './points.js';

/**
 * Whether a point holds what it is set to: one of a virtual channel that neither a pattern nor the channel's site model
 * feeds.
 */
export function holdsValue(channel: ChannelConfig, { kind, id }: Pick<PointAddress, 'kind' | 'id'>): boolean {
  if (channel.protocol !== 'virtual') return false;
  const feeds = (source: { readonly kind: string; readonly pointId: number }): boolean =>
    source.kind === kind && source.pointId === id;
  return !channel.patterns.some(feeds) && !(channel.siteModel?.outputs ?? []).some(feeds);
}
