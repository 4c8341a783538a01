import { errorMessage } from '../../errors/error.js';
import type { Batch } from './batch.js';

/** What a forwarder has done since its activation; shapes as in the public ForwarderStats. */
export class ForwarderStatistics {
  /** Points that the target has acknowledged. */
  sent = 0;
  batches = 0;
  /** Attempts that failed: batches that were not acknowledged, and connections that were not made. */
  failed = 0;
  /** Points that an operator had left out. */
  skipped = 0;
  /** Frames that the stream had no longer when it was their turn. */
  lost = 0;
  /** Messages of the stream that were no frames. */
  unreadable = 0;
  /** Frames in the stream that were not sent yet, when it was looked at last. */
  behind = 0;
  lastError: string | null = null;
  lastErrorAt: number | null = null;
  lastSentAt: number | null = null;
  /** Source time of the newest reading that was sent. */
  sentUpTo: number | null = null;

  acknowledged({ items }: Batch, at: number): void {
    this.sent += items.length;
    this.batches += 1;
    this.lastSentAt = at;
    for (const { time } of items) if (this.sentUpTo === null || time > this.sentUpTo) this.sentUpTo = time;
  }

  trouble(error: unknown, at: number): void {
    this.lastError = errorMessage(error);
    this.lastErrorAt = at;
  }
}
