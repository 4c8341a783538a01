import type { HistoryConfig } from '../../site/model.js';
import type { HistoryResolution } from './types.js';

/** A table of the history. Its partitions are what an INSERT writes all of or nothing. */
export interface Tier {
  readonly resolution: HistoryResolution;
  readonly table: string;
  /** Length of its intervals; raw: 0. */
  readonly intervalMs: number;
  /** Start of the interval, as an expression over a time. */
  readonly bucket: (time: string) => string;
  readonly partitionBy: string;
  /** The partition that a time (ms since the Unix epoch) falls in: the same as partitionBy. */
  readonly partitionOf: (time: number) => number;
  readonly keepDays: (config: HistoryConfig) => number;
}

const HOUR = 3_600_000;

function date(time: number): { year: number; month: number; day: number } {
  const at = new Date(time);
  return { year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() };
}

export const RAW_TIER: Tier = {
  resolution: 'raw',
  table: 'raw',
  intervalMs: 0,
  bucket: (time) => time,
  partitionBy: 'toYYYYMMDD(time)',
  partitionOf: (time) => {
    const { year, month, day } = date(time);
    return year * 10_000 + month * 100 + day;
  },
  keepDays: (config) => config.rawDays,
};

/** Finest first. Intervals are of UTC. */
export const ROLLUP_TIERS: readonly Tier[] = [
  {
    resolution: '1m',
    table: 'rollup_1m',
    intervalMs: 60_000,
    bucket: (time) => `toStartOfMinute(${time})`,
    partitionBy: 'toYYYYMM(time)',
    partitionOf: (time) => {
      const { year, month } = date(time);
      return year * 100 + month;
    },
    keepDays: (config) => config.minuteDays,
  },
  {
    resolution: '1h',
    table: 'rollup_1h',
    intervalMs: HOUR,
    bucket: (time) => `toStartOfHour(${time})`,
    partitionBy: 'toYear(time)',
    partitionOf: (time) => date(time).year,
    keepDays: (config) => config.hourDays,
  },
  {
    resolution: '1d',
    table: 'rollup_1d',
    intervalMs: 24 * HOUR,
    bucket: (time) => `toStartOfDay(${time})`,
    partitionBy: 'toYear(time)',
    partitionOf: (time) => date(time).year,
    keepDays: (config) => config.dayDays,
  },
];

export const TIERS: readonly Tier[] = [RAW_TIER, ...ROLLUP_TIERS];
