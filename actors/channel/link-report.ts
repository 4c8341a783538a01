import { StatewattError, type ErrorBody } from '../../errors/error.js';

const RETRY_MS = 1_000;

/** What the live part of a channel tells its state chart of its link. */
export type LinkReport =
  | { readonly type: 'link.up' }
  | { readonly type: 'link.down'; readonly error: ErrorBody }
  | { readonly type: 'link.failed'; readonly error: ErrorBody };

/**
 * Carries link reports to the actor, one at a time. While one is being journaled (which takes as long as the bus is
 * away) only the newest is kept: an outage of the bus costs no queue, and the chart ends in the link's true state.
 */
export class LinkReporter<Report extends { readonly type: string } = LinkReport> {
  readonly #send: (report: Report) => Promise<void>;
  #current: Report['type'] | undefined;
  #next: Report | undefined;
  #busy = false;

  /** `send` rejects with `journal.refused` when the journal cannot take it now, otherwise when nobody is left to tell. */
  constructor(send: (report: Report) => Promise<void>) {
    this.#send = send;
  }

  report(report: Report): void {
    this.#next = report;
    if (!this.#busy) void this.#drain();
  }

  /** The chart was moved to `connecting` by a command; what was reported before no longer counts. */
  forget(): void {
    this.#current = undefined;
    this.#next = undefined;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#next !== undefined) {
      const report = this.#next;
      this.#next = undefined;
      if (report.type === this.#current) continue;
      this.#current = report.type;
      try {
        await this.#send(report);
      } catch (error) {
        if (!(error instanceof StatewattError) || error.code !== 'journal.refused') break; // Its activation is over.
        this.#current = undefined;
        this.#next ??= report;
        await pause();
      }
    }
    this.#busy = false;
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
}
