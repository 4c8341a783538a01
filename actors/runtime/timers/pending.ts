import type { EffectRecord, TimerRecord } from '../../../bus/messages.js';
import { CANCEL_TIMER, SET_TIMER, type CancelTimer, type SetTimer } from './records.js';

/** What one journal entry does to an actor's timers. */
export interface TimerChanges {
  readonly set: readonly TimerRecord[];
  /** Keys of those that are not to fire any more; the one that has fired is not among them. */
  readonly cancelled: readonly string[];
}

/** One accepted entry, as far as timers are concerned. */
export interface TimedEntry {
  /** Its sequence in the journal stream. */
  readonly seq: number;
  /** Ms since the Unix epoch. */
  readonly at: number;
  readonly effects: readonly EffectRecord[];
  /** Key of the timer whose firing it is. */
  readonly timer?: string | undefined;
}

/** A timer that waits, for people who look inside. */
export interface TimerFacts {
  /** What the machine cancels it by; null: nothing cancels it. */
  readonly id: string | null;
  /** Type of the event that the actor is to get. */
  readonly event: string;
  /** Ms since the Unix epoch. */
  readonly due: number;
}

const NOTHING: TimerChanges = { set: [], cancelled: [] };

/** The timers that an actor has set and that have neither fired nor been cancelled: a part of its durable state. Pure. */
export class PendingTimers {
  /** By key. Few actors have more than a handful. */
  readonly #timers = new Map<string, TimerRecord>();

  constructor(stored: readonly TimerRecord[] = []) {
    for (const timer of stored) this.#timers.set(timer.key, timer);
  }

  get size(): number {
    return this.#timers.size;
  }

  /** undefined when it has fired, was cancelled, or was set again since. */
  get(key: string): TimerRecord | undefined {
    return this.#timers.get(key);
  }

  all(): TimerRecord[] {
    return [...this.#timers.values()];
  }

  /** The one that is due first, first. */
  facts(): TimerFacts[] {
    return this.all()
      .map(({ id, event, due }) => ({ id, event: event.type, due }))
      .sort((one, other) => one.due - other.due);
  }

  /**
   * The effects without cancellations that find nothing to cancel: a state's exit cancels its timers also when it is
   * the firing that leads out.
   */
  withoutVain(effects: readonly EffectRecord[], fired: string | undefined): readonly EffectRecord[] {
    if (!effects.some(({ type }) => type === CANCEL_TIMER)) return effects;
    const ids = new Set(this.all().flatMap(({ key, id }) => (key === fired ? [] : [id])));
    return effects.filter(({ type, params }) => {
      if (type === SET_TIMER) ids.add((params as SetTimer).id);
      return type !== CANCEL_TIMER || ids.delete((params as CancelTimer).id);
    });
  }

  /** Takes an entry in, in the order of its records: a timer set again under its id replaces the one before. */
  apply({ seq, at, effects, timer: fired }: TimedEntry): TimerChanges {
    if (fired !== undefined) this.#timers.delete(fired);
    if (!effects.some(({ type }) => type === SET_TIMER || type === CANCEL_TIMER)) return NOTHING;
    const set = new Map<string, TimerRecord>();
    const cancelled: string[] = [];
    const cancel = (id: string): void => {
      for (const { key } of this.all().filter((timer) => timer.id === id)) {
        this.#timers.delete(key);
        if (!set.delete(key)) cancelled.push(key);
      }
    };
    effects.forEach(({ type, params }, index) => {
      if (type === CANCEL_TIMER) cancel((params as CancelTimer).id);
      if (type !== SET_TIMER) return;
      const { id, event, delayMs } = params as SetTimer;
      if (id !== null) cancel(id);
      const timer = { key: `${seq}-${index}`, id, event, due: at + delayMs };
      this.#timers.set(timer.key, timer);
      set.set(timer.key, timer);
    });
    return { set: [...set.values()], cancelled };
  }
}
