import type { MeterSource } from './readings.js';

/** A meter of the site file: the counter of a channel, and whose it is. */
export interface SiteMeter {
  readonly id: string;
  readonly source: MeterSource;
  /** Who gets the tokens, base58. */
  readonly wallet: string;
  readonly user: string;
}
