import { signal } from '@preact/signals';

/** Asks at intervals, one question at a time, until it is stopped. */
export class Poll {
  /** Why the last question was not answered; undefined when it was. */
  readonly problem = signal<string | undefined>(undefined);
  /** Whether any question was answered since the start. */
  readonly hasAnswer = signal(false);
  readonly #everyMs: number;
  readonly #ask: (isCurrent: () => boolean) => Promise<void>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Rises with each start and stop, so that a late answer changes nothing. */
  #run = 0;
  #isOn = false;
  /** The run that is being answered. */
  #asking: number | undefined;
  #soonTimer: ReturnType<typeof setTimeout> | undefined;
  #soonAt = 0;

  /** @param ask puts what was answered in place if it is still current then */
  constructor(everyMs: number, ask: (isCurrent: () => boolean) => Promise<void>) {
    this.#everyMs = everyMs;
    this.#ask = ask;
  }

  start(): void {
    this.hasAnswer.value = false;
    this.#isOn = true;
    this.now();
  }

  stop(): void {
    this.#isOn = false;
    this.#run += 1;
    clearTimeout(this.#timer);
    clearTimeout(this.#soonTimer);
    this.#soonTimer = undefined;
    this.problem.value = undefined;
  }

  /** Begins anew with what there is no answer to yet, if it is on. */
  restart(): void {
    if (this.#isOn) this.start();
  }

  /** Asks at once; what is under way is left out. */
  now(): void {
    if (!this.#isOn) return;
    this.#run += 1;
    clearTimeout(this.#timer);
    void this.#cycle(this.#run);
  }

  /** Asks after so long at the latest, once for all who want it meanwhile, and not before what is under way is answered. */
  soon(ms: number): void {
    const at = Date.now() + ms;
    if (!this.#isOn || (this.#soonTimer !== undefined && this.#soonAt <= at)) return;
    clearTimeout(this.#soonTimer);
    this.#soonAt = at;
    this.#soonTimer = setTimeout(() => {
      this.#soonTimer = undefined;
      if (this.#asking === this.#run) this.soon(ms);
      else this.now();
    }, ms);
  }

  async #cycle(run: number): Promise<void> {
    const isCurrent = () => run === this.#run;
    this.#asking = run;
    try {
      await this.#ask(isCurrent);
      if (!isCurrent()) return;
      this.problem.value = undefined;
      this.hasAnswer.value = true;
    } catch (error) {
      if (!isCurrent()) return;
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
    this.#asking = undefined;
    this.#timer = setTimeout(() => void this.#cycle(run), this.#everyMs);
  }
}
