import Type, { type Static } from 'typebox';
import { TOKENIZATION_DEFAULTS as D } from '../../metering/tokenization.js';
import { closed } from './helpers.js';

/** A decimal number: a number in YAML, or its text, which is exact whatever its length. */
const decimal = (fallback: string, description: string) =>
  Type.Optional(Type.Unsafe<number | string>({ type: ['number', 'string'], default: Number(fallback), description }));
const whole = (minimum: number, maximum: number, fallback: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, default: fallback, description }));

/** The section `tokenization` of site.yaml. */
export const TokenizationFileSchema = closed(
  {
    kwh_to_token_ratio: decimal(D.kwhToTokenRatio, 'tokens for 1 kWh, above 0'),
    decimals: whole(0, 18, D.decimals, 'of the token'),
    max_reading_kwh: decimal(D.maxReadingKwh, 'the most energy of one reading (kWh), above 0'),
    reading_max_age_days: whole(1, 3_650, D.readingMaxAgeDays, 'readings that ended longer ago are rejected'),
    future_skew_secs: whole(0, 3_600, D.futureSkewSecs, 'how far a meter’s clock may be ahead (s)'),
    anomaly_deviations: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1_000,
        default: D.anomalyDeviations,
        description:
          'a reading is held for a person when its power lies so many standard deviations above its meter’s mean; 0: never',
      }),
    ),
    anomaly_min_readings: whole(2, 100_000, D.anomalyMinReadings, 'readings before a meter’s mean is known'),
    auto_mint_enabled: Type.Optional(
      Type.Boolean({ default: D.autoMintEnabled, description: 'mint accepted readings without being told to' }),
    ),
    polling_interval_secs: whole(1, 86_400, D.pollingIntervalSecs, 'time between two collections of readings (s)'),
    batch_size: whole(1, 1_000, D.batchSize, 'readings of a mint batch'),
    max_retry_attempts: whole(0, 10, D.maxRetryAttempts, 'retries of a mint batch before it is parked'),
    initial_retry_delay_secs: whole(
      1,
      86_400,
      D.initialRetryDelaySecs,
      'before the first retry (s); doubled each time',
    ),
  },
  { description: 'how meter readings are checked and become tokens' },
);
export type TokenizationFile = Static<typeof TokenizationFileSchema>;
