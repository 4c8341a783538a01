import type { MeterSource } from './readings.js';

/**
 * What names a user: anything but control characters and halves of characters. So each character takes 4 bytes at most
 * wherever it is written down, and it can be said what a journal entry has room for.
 */
export const USER_PATTERN = '^[^\\p{Cc}\\p{Cs}]+$';

/** A meter of the site file: the counter of a channel, and whose it is. */
export interface SiteMeter {
  readonly id: string;
  readonly source: MeterSource;
  /** Who gets the tokens, base58. */
  readonly wallet: string;
  readonly user: string;
}
