import type { HistoryConfig } from '../../site/model.js';
import { ROLLUP_TIERS, TIERS, type Tier } from './tiers.js';
import type { HistoryResolution } from './types.js';

const DAY = 86_400_000;

export function tierOf(resolution: HistoryResolution): Tier {
  return TIERS.find((tier) => tier.resolution === resolution) as Tier;
}

/** Start of the interval of a tier that holds `time`. */
export function floorTo(tier: Tier, time: number): number {
  return tier.intervalMs === 0 ? time : Math.floor(time / tier.intervalMs) * tier.intervalMs;
}

/**
 * The finest tier that still keeps the beginning of the range and needs at most `limit` rows for all of it; the
 * coarsest when none does. Texts exist in the raw tier only.
 *
 * @param raw what the raw tier holds in the range, counted up to limit + 1
 */
export function chooseResolution(
  range: { from: number; to: number; limit: number },
  raw: { rows: number; texts: boolean },
  config: HistoryConfig | undefined,
  now: number,
): HistoryResolution {
  if (raw.texts) return 'raw';
  const keeps = (tier: Tier) => config === undefined || range.from >= now - tier.keepDays(config) * DAY;
  for (const tier of TIERS) {
    const rows = tier.intervalMs === 0 ? raw.rows : Math.ceil((range.to - floorTo(tier, range.from)) / tier.intervalMs);
    if (rows <= range.limit && keeps(tier)) return tier.resolution;
  }
  return (ROLLUP_TIERS.at(-1) as Tier).resolution;
}
