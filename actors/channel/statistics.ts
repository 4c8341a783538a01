import { errorMessage } from '../../errors/error.js';
import type { PollOutcome } from '../../protocols/driver.js';

const KEPT_ROUND_TRIPS = 256;

/** What a channel has done since its activation; shapes as in the public ChannelStats. */
export class ChannelStatistics {
  totalReads = 0;
  totalFrames = 0;
  readErrors = 0;
  connectionErrors = 0;
  reconnectCount = 0;
  missedCycles = 0;
  droppedValues = 0;
  cycles = 0;
  lastError: string | null = null;
  lastErrorAt: number | null = null;
  lastGoodAt: number | null = null;
  /** Ring of the last round trips, ms. */
  readonly #roundTrips = new Float32Array(KEPT_ROUND_TRIPS);
  #count = 0;

  polled(outcome: PollOutcome, at: number): void {
    if (outcome.more !== true) this.cycles += 1;
    this.droppedValues += outcome.dropped ?? 0;
    this.totalReads += outcome.reads;
    this.readErrors += outcome.errors;
    for (const roundTrip of outcome.roundTrips) this.#roundTrips[this.#count++ % KEPT_ROUND_TRIPS] = roundTrip;
    if (outcome.lastError !== undefined) this.failed(outcome.lastError, at);
    if (outcome.reads > 0) this.lastGoodAt = at;
  }

  failed(error: unknown, at: number): void {
    this.lastError = errorMessage(error);
    this.lastErrorAt = at;
  }

  /** Percentiles (nearest rank) of the last 256 round trips, ms. */
  roundTripMs(): { p50: number; p95: number; p99: number; max: number } {
    const sorted = this.#roundTrips.slice(0, Math.min(this.#count, KEPT_ROUND_TRIPS)).sort();
    const rank = (share: number) => round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
    return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), max: rank(1) };
  }
}

function round(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
