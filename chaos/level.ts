import { formatPointAddress } from '../site/points.js';

/**
 * A register of the first simulated device that rises all the time, and the rule that watches it. The value alone says in
 * which episode it is: so what was raised can be held against what was read, whatever happened meanwhile.
 */
export const LEVEL = { channel: 2, kind: 'T', point: 3 } as const;
export const LEVEL_ADDRESS = formatPointAddress({ channel: LEVEL.channel, kind: LEVEL.kind, id: LEVEL.point });
export const LEVEL_RULE = 'chaos_level';

/** An episode begins each time that the level has risen by so much, and lasts for the upper half of it. */
const PERIOD = 20;
const TOP = 60_000;
/** Of a period, ms: four seconds high, four seconds low. */
const PERIOD_MS = 8_000;

/** How the register moves. */
export const LEVEL_SIGNAL = {
  type: 'ramp',
  from: 0,
  to: TOP,
  durationMs: (TOP / PERIOD) * PERIOD_MS,
  repeat: true,
} as const;
export const LEVEL_CONDITION = `${LEVEL_ADDRESS} % ${PERIOD} >= ${PERIOD / 2}`;

export function isHigh(level: number): boolean {
  return level % PERIOD >= PERIOD / 2;
}

export function episodeOf(level: number): number {
  return Math.floor(level / PERIOD);
}
