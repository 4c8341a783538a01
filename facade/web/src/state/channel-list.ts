import type { ChannelView } from '../../../../actors/client/schemas.js';

export type ChannelState = ChannelView['state'];

/** What people call the states, those that need somebody first. */
export const STATE_NAMES: Readonly<Record<ChannelState, string>> = {
  faulted: 'faulted',
  backingOff: 'retrying',
  connecting: 'connecting',
  online: 'online',
  paused: 'paused',
  stopped: 'stopped',
};

export type StateFilter = ChannelState | 'all';

/**
 * Channels that match every word of `text` (in id, name, protocol, address or state name) and the state.
 */
export function filterChannels(channels: readonly ChannelView[], text: string, state: StateFilter): ChannelView[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return channels.filter((channel) => {
    if (state !== 'all' && channel.state !== state) return false;
    if (words.length === 0) return true;
    const { id, name, protocol, address } = channel;
    const haystack = `${id} ${name} ${protocol} ${address} ${STATE_NAMES[channel.state]}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

export function countStates(channels: readonly ChannelView[]): Record<ChannelState, number> {
  const counts = { faulted: 0, backingOff: 0, connecting: 0, online: 0, paused: 0, stopped: 0 };
  for (const channel of channels) counts[channel.state] += 1;
  return counts;
}

/**
 * Whether a channel that counts as online gives no good values: none within three polling intervals and two seconds of
 * slack for the way here.
 */
export function isLate(channel: ChannelView, now: number): boolean {
  if (channel.state !== 'online') return false;
  return now - (channel.stats.lastGoodAt ?? channel.since) > 3 * channel.pollingIntervalMs + 2_000;
}
