import type { Quality } from '../../site/points.js';
import type { ChannelView, PartHealth } from '../../actors/client/schemas.js';

/** How urgently something needs a person. Only this is ever coloured. */
export type Tone = 'none' | 'warning' | 'alarm';

const CODES: Record<Tone, string> = { none: '', warning: '\u001b[33m', alarm: '\u001b[31m' };

export function paint(text: string, tone: Tone): string {
  return tone === 'none' ? text : `${CODES[tone]}${text}\u001b[0m`;
}

export function qualityTone(quality: Quality): Tone {
  if (quality === 'good') return 'none';
  return quality === 'bad' ? 'alarm' : 'warning';
}

export function channelTone(state: ChannelView['state']): Tone {
  if (state === 'faulted') return 'alarm';
  return state === 'backingOff' ? 'warning' : 'none';
}

export function actorTone(state: string): Tone {
  return state === 'failed' ? 'alarm' : 'none';
}

export function healthTone(status: PartHealth['status'] | 'healthy' | 'unhealthy'): Tone {
  if (status === 'down' || status === 'unhealthy') return 'alarm';
  return status === 'degraded' ? 'warning' : 'none';
}
