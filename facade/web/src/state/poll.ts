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
    this.problem.value = undefined;
  }

  /** Asks at once; what is under way is left out. */
  now(): void {
    if (!this.#isOn) return;
    this.#run += 1;
    clearTimeout(this.#timer);
    void this.#cycle(this.#run);
  }

  async #cycle(run: number): Promise<void> {
    const isCurrent = () => run === this.#run;
    try {
      await this.#ask(isCurrent);
      if (!isCurrent()) return;
      this.problem.value = undefined;
      this.hasAnswer.value = true;
    } catch (error) {
      if (!isCurrent()) return;
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
    this.#timer = setTimeout(() => void this.#cycle(run), this.#everyMs);
  }
}
