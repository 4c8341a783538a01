import { signal } from '@preact/signals';
import type { MeterEvent, MeterEventsUpdate } from '../../../../actors/client/meter-watch.js';
import { isNews } from './token-words.js';

/** An event with when it came here, ms since the Unix epoch by the server's clock, and a number of its own. */
export interface HeardEvent {
  readonly number: number;
  readonly at: number;
  readonly event: MeterEvent;
}

export interface MeterEventsHandlers {
  readonly update: (update: MeterEventsUpdate) => void;
  readonly status: (status: 'open' | 'lost') => void;
}

/** Has the server's events pushed until it is closed, again by itself after a lost connection. */
export type OpenMeterEvents = (handlers: MeterEventsHandlers) => { close: () => void };

/** Events that are kept: what is older stands in the ledger. */
const KEPT = 100;
/** In a flood events come by the thousand; people do not read quicker than this. */
const PAINT_EVERY_MS = 200;

/** What becomes of readings, as it is told. */
export class MeterEventsStore {
  /** The newest first. */
  readonly events = signal<readonly HeardEvent[]>([]);
  readonly isLive = signal(false);
  /** Called when something was told, at most a few times a second. */
  onEvents: () => void = () => undefined;
  readonly #open: OpenMeterEvents;
  readonly #now: () => number;
  #link: { close: () => void } | undefined;
  #fresh: HeardEvent[] = [];
  #last = 0;
  #paintTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(open: OpenMeterEvents, now: () => number) {
    this.#open = open;
    this.#now = now;
  }

  start(): void {
    this.#link ??= this.#open({
      update: ({ events }) => this.#take(events),
      status: (status) => {
        this.isLive.value = status === 'open';
      },
    });
  }

  stop(): void {
    this.#link?.close();
    this.#link = undefined;
    this.isLive.value = false;
    clearTimeout(this.#paintTimer);
    this.#paintTimer = undefined;
    this.#fresh = [];
  }

  #take(events: readonly MeterEvent[]): void {
    const at = this.#now();
    for (const event of events.filter(isNews).slice(-KEPT)) this.#fresh.push({ number: ++this.#last, at, event });
    this.#fresh = this.#fresh.slice(-KEPT);
    this.#paintTimer ??= setTimeout(() => this.#paint(), PAINT_EVERY_MS);
  }

  #paint(): void {
    this.#paintTimer = undefined;
    this.events.value = [...this.#fresh.toReversed(), ...this.events.value].slice(0, KEPT);
    this.#fresh = [];
    this.onEvents();
  }
}
