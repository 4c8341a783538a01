import { StatewattError, errorMessage } from '../../errors/error.js';
import type { AccessRegister } from '../../site/access.js';

/** What is known is this old at most, as long as the register can be asked: a change at another node counts so soon. */
const FRESH_MS = 1_000;
/** While it cannot be asked, what is known is good for so long: operators can look while NATS is away. */
const GOOD_MS = 3_600_000;
/** It is asked as often when nobody comes, so that something is known when it cannot be. */
const REFRESH_MS = 60_000;

/** Nobody waits longer for the newest as long as what is known is good. */
const PATIENCE_MS = 500;

/** The register as this node knows it, so that not every request asks the actor. */
export class KnownRegister {
  readonly #ask: () => Promise<AccessRegister>;
  readonly #now: () => number;
  #known: { readonly register: AccessRegister; readonly at: number } | undefined;
  #asking: Promise<AccessRegister> | undefined;
  /** Rises with every answer to a command: a question from before it may be answered with less. */
  #learned = 0;
  #refreshing: NodeJS.Timeout | undefined;

  constructor(ask: () => Promise<AccessRegister>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** Asks, and goes on asking now and then until `stop`. */
  async start(): Promise<void> {
    await this.#refresh();
    this.#refreshing = setInterval(() => void this.#refresh(), REFRESH_MS).unref();
  }

  stop(): void {
    clearInterval(this.#refreshing);
  }

  async #refresh(): Promise<void> {
    try {
      await this.readNow();
    } catch {
      // Who needs it asks again, and hears why there is no answer.
    }
  }

  /** What is known, if it is new enough to say so at once. */
  fresh(): AccessRegister | undefined {
    const known = this.#known;
    return known !== undefined && this.#now() - known.at < FRESH_MS ? known.register : undefined;
  }

  /** @throws `access.unavailable` when nothing is known and nobody answers */
  async read(): Promise<AccessRegister> {
    const fresh = this.fresh();
    if (fresh !== undefined) return fresh;
    const known = this.#known;
    const age = known === undefined ? Infinity : this.#now() - known.at;
    const newest = this.readNow();
    try {
      if (known === undefined || age >= GOOD_MS) return await newest;
      return (await within(newest, PATIENCE_MS)) ?? known.register;
    } catch (cause) {
      if (known !== undefined && age < GOOD_MS) return known.register;
      const why = `who may come in is not known: ${errorMessage(cause)}`;
      throw new StatewattError('access.unavailable', 'unavailable', why, { cause, retryAfterMs: 1_000 });
    }
  }

  /** From the actor; those who ask meanwhile share the answer. */
  readNow(): Promise<AccessRegister> {
    this.#asking ??= this.#askNow().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** The answer to a command. */
  learn(register: AccessRegister): void {
    this.#learned += 1;
    this.#known = { register, at: this.#now() };
  }

  /** The next one who reads gets the newest. */
  forget(): void {
    this.#learned += 1;
    if (this.#known !== undefined) this.#known = { register: this.#known.register, at: this.#now() - FRESH_MS };
  }

  async #askNow(): Promise<AccessRegister> {
    const [at, learned] = [this.#now(), this.#learned];
    const register = await this.#ask();
    if (this.#learned === learned) this.#known = { register, at };
    return this.#learned === learned ? register : (this.#known?.register ?? register);
  }
}

/** undefined when it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined); // The next one who reads asks again.
  }
}
