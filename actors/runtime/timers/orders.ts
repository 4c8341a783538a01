import type { Ref } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import type { PendingTimers, TimerChanges } from './pending.js';
import type { TimerService } from './scheduler.js';

/** What became of timers on a node since its start. */
export interface TimerCounters {
  timersSet: number;
  timersFired: number;
  timersCancelled: number;
}

/**
 * Carries out what an actor's entries order of its timers. A command is settled only when the timers that it set are
 * kept by the server: should the node die in between, the command comes again, and with it the actor, which resumes them.
 */
export class TimerOrders {
  readonly #ref: Ref;
  readonly #service: TimerService | undefined;
  readonly #counters: TimerCounters;
  #open = 0;
  #carriedOut: Promise<unknown> = Promise.resolve();
  #resumed = false;

  constructor(ref: Ref, service: TimerService | undefined, counters: TimerCounters) {
    this.#ref = ref;
    this.#service = service;
    this.#counters = counters;
  }

  /**
   * What an entry has done to the timers.
   *
   * @throws `timers.unavailable` when this host keeps no timers
   */
  carryOut(changes: TimerChanges, fired: boolean): void {
    this.#counters.timersSet += changes.set.length;
    this.#counters.timersCancelled += changes.cancelled.length;
    if (fired) this.#counters.timersFired += 1;
    this.#order(changes);
  }

  /**
   * Orders once more, at the first call, all that an earlier activation may have died before ordering.
   *
   * @param except key of the timer whose firing is about to be processed
   */
  resume(pending: PendingTimers, except: string | undefined): void {
    if (this.#resumed) return;
    this.#resumed = true;
    this.#order({ set: pending.all().filter(({ key }) => key !== except), cancelled: [] });
  }

  /** Calls back when every order so far is carried out: at once when none is under way. */
  afterwards(settle: () => void): void {
    if (this.#open === 0) settle();
    else this.#carriedOut.then(settle, () => undefined);
  }

  #order({ set, cancelled }: TimerChanges): void {
    if (set.length === 0 && cancelled.length === 0) return;
    const service = this.#service;
    if (service === undefined) {
      throw new StatewattError('timers.unavailable', 'internal', 'this host of actors was given no keeper of timers');
    }
    const before = this.#carriedOut;
    const all = [before, ...set.map((timer) => service.set(this.#ref, timer))];
    this.#open += 1;
    const done = Promise.all(all).finally(() => {
      this.#open -= 1;
    });
    this.#carriedOut = done;
    // Rejected only when the node stops: then nothing is settled any more.
    done.catch(() => undefined);
    for (const key of cancelled) {
      // Behind its own order. What cannot be taken back fires and is ignored.
      before.then(() => service.cancel(this.#ref, key)).catch(() => undefined);
    }
  }
}
