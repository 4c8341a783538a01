import { parseKilowattHours } from './energy.js';
import type { ReadingLimits } from './readings.js';
import { TokenRate } from './token-rate.js';

/** How readings are checked and become tokens: the section `tokenization` of site.yaml, and its variables. */
export interface Tokenization {
  /** Tokens for 1 kWh, decimal text. */
  readonly kwhToTokenRatio: string;
  /** Of the token, 0 … 18. */
  readonly decimals: number;
  /** The most energy of one reading, decimal text of kWh. */
  readonly maxReadingKwh: string;
  readonly readingMaxAgeDays: number;
  /** Seconds that a meter's clock may be ahead of the node's. */
  readonly futureSkewSecs: number;
  /** How much a reading's power may lie above what is usual for its meter, in standard deviations; 0: no such check. */
  readonly anomalyDeviations: number;
  /** Readings of a meter before it is known what is usual for it. */
  readonly anomalyMinReadings: number;
  readonly autoMintEnabled: boolean;
  readonly pollingIntervalSecs: number;
  readonly batchSize: number;
  readonly maxRetryAttempts: number;
  readonly initialRetryDelaySecs: number;
}

export const TOKENIZATION_DEFAULTS: Tokenization = {
  kwhToTokenRatio: '1',
  decimals: 9,
  maxReadingKwh: '100',
  readingMaxAgeDays: 7,
  futureSkewSecs: 60,
  anomalyDeviations: 6,
  anomalyMinReadings: 96,
  autoMintEnabled: true,
  pollingIntervalSecs: 60,
  batchSize: 50,
  maxRetryAttempts: 3,
  initialRetryDelaySecs: 300,
};

/** What of it stands in a site file or in the environment. */
export type TokenizationChanges = Partial<Tokenization>;

/** Readings of a batch for each second of the polling interval, at most: what a chain's transactions keep up with. */
const READINGS_PER_SECOND = 10;
/** The last retry waits at most so long: a day. */
const MAX_RETRY_DELAY_SECS = 86_400;

/** A combination of settings, each right by itself, that cannot be used together. */
export interface TokenizationProblem {
  readonly key: keyof Tokenization;
  readonly found: string;
  readonly allowed: string;
}

/** What is wrong with settings that are each right by themselves; empty: nothing. */
export function checkTokenization(settings: Tokenization): TokenizationProblem[] {
  const { kwhToTokenRatio, decimals, pollingIntervalSecs, batchSize } = settings;
  const { maxRetryAttempts, initialRetryDelaySecs } = settings;
  const problems: TokenizationProblem[] = [];
  const least = Math.floor(batchSize / READINGS_PER_SECOND);
  if (pollingIntervalSecs < least) {
    problems.push({
      key: 'pollingIntervalSecs',
      found: `${pollingIntervalSecs} with a batch size of ${batchSize}`,
      allowed: `at least ${least}, a tenth of the batch size`,
    });
  }
  if (decimals > 9 && Number(kwhToTokenRatio) < 1) {
    problems.push({
      key: 'decimals',
      found: `${decimals} with a ratio of ${kwhToTokenRatio}`,
      allowed: 'at most 9 with a ratio below 1: more pretend a precision that no reading has',
    });
  }
  const longest = initialRetryDelaySecs * 2 ** maxRetryAttempts;
  if (longest > MAX_RETRY_DELAY_SECS) {
    problems.push({
      key: 'initialRetryDelaySecs',
      found: `${initialRetryDelaySecs} with ${maxRetryAttempts} attempts`,
      allowed: `initial delay × 2^attempts of at most ${MAX_RETRY_DELAY_SECS} s, not ${longest}`,
    });
  }
  return problems;
}

/** Seconds before retry `attempt`, from 1: the initial delay, doubled each time. */
export function retryDelaySecs({ initialRetryDelaySecs }: Tokenization, attempt: number): number {
  return initialRetryDelaySecs * 2 ** (attempt - 1);
}

/** What one energy is worth. @throws `tokens.rate_invalid` */
export function tokenRate({ kwhToTokenRatio, decimals }: Tokenization): TokenRate {
  return TokenRate.of({ ratio: kwhToTokenRatio, decimals });
}

const DAY_MS = 86_400_000;

/** By what a meter decides about a reading. */
export function readingLimits(settings: Tokenization): ReadingLimits {
  return {
    maxEnergy: parseKilowattHours(settings.maxReadingKwh).toString(),
    maxAgeMs: settings.readingMaxAgeDays * DAY_MS,
    futureSkewMs: settings.futureSkewSecs * 1_000,
    rate: { ratio: settings.kwhToTokenRatio, decimals: settings.decimals },
    anomaly: { deviations: settings.anomalyDeviations, minReadings: settings.anomalyMinReadings },
  };
}
