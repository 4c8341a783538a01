import { signal } from '@preact/signals';
import type { LedgerReading } from '../../../../actors/client/ledger.js';
import type { HeldReadingView } from '../../../../actors/client/metering.js';
import type { LedgerApi } from '../ledger-api.js';
import { Poll } from './poll.js';

/** What names a reading for ever. */
export interface ReadingKey {
  readonly meter: string;
  readonly sequence: number;
}

const EVERY_MS = 5_000;

/** One reading, and why it is held. */
export class LedgerReadingStore {
  readonly reading = signal<LedgerReading | undefined>(undefined);
  /** While it waits for a person, for those who may know why. */
  readonly held = signal<HeldReadingView | undefined>(undefined);
  readonly poll: Poll;
  readonly #api: LedgerApi;
  readonly #mayRead: () => boolean;
  #key: ReadingKey | undefined;

  constructor(api: LedgerApi, mayRead: () => boolean) {
    this.#api = api;
    this.#mayRead = mayRead;
    this.poll = new Poll(EVERY_MS, (isCurrent) => this.#load(isCurrent));
  }

  /** Follows this reading from now on; undefined follows none. */
  select(key: ReadingKey | undefined): void {
    if (key?.meter === this.#key?.meter && key?.sequence === this.#key?.sequence) return;
    this.#key = key;
    [this.reading.value, this.held.value] = [undefined, undefined];
    if (key === undefined) this.poll.stop();
    else this.poll.start();
  }

  async #load(isCurrent: () => boolean): Promise<void> {
    if (this.#key === undefined) return;
    const { meter, sequence } = this.#key;
    const reading = await this.#api.reading(meter, sequence);
    const isHeld = reading.status === 'held' && this.#mayRead();
    const held = isHeld ? await this.#api.held(meter) : [];
    if (!isCurrent()) return;
    this.reading.value = reading;
    this.held.value = held.find((each) => each.sequence === sequence);
  }
}
