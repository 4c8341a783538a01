import type { ForwarderView } from '../actors/client/forwarding.js';
import type { PartHealth } from '../actors/client/schemas.js';

/** Frames that a target may be behind before that is worth saying: ten seconds of a thousand channels. */
const LAG_WORTH_SAYING = 10_000;
const TROUBLED: readonly string[] = ['backingOff', 'faulted'];

/** How the targets are that this node sends to; undefined when it sends to none. */
export function forwardingHealth(forwarders: readonly ForwarderView[]): PartHealth | undefined {
  if (forwarders.length === 0) return undefined;
  const states = new Map<string, number>();
  for (const { state } of forwarders) states.set(state, (states.get(state) ?? 0) + 1);
  const sum = (of: 'sent' | 'behind' | 'lost') => forwarders.reduce((total, { stats }) => total + stats[of], 0);
  const facts = { ...Object.fromEntries(states), sent: sum('sent'), behind: sum('behind'), lost: sum('lost') };
  const troubles = forwarders.flatMap((forwarder) => troublesOf(forwarder));
  if (troubles.length > 0) return { status: 'degraded', detail: troubles.join('; '), facts };
  return { status: 'up', detail: [...states].map(([state, count]) => `${count} ${state}`).join(', '), facts };
}

function troublesOf({ id, state, stats }: ForwarderView): string[] {
  const { behind, lost, lastError } = stats;
  const waiting = behind > 0 ? `, ${behind} frames wait` : '';
  if (TROUBLED.includes(state)) return [`${id} ${state}${waiting}: ${lastError ?? 'no reason known'}`];
  if (lost > 0) return [`${id}: ${lost} frames were lost since the start`];
  return behind > LAG_WORTH_SAYING ? [`${id} is ${behind} frames behind`] : [];
}
