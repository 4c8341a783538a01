import type { TimerService } from '../../../actors/runtime/timers/scheduler.js';
import type { TimerRecord } from '../../../bus/messages.js';
import { formatRef, type Ref } from '../../../bus/subjects.js';
import type { Network, Process } from './network.js';

interface Kept {
  readonly ref: Ref;
  readonly timer: TimerRecord;
}

/** The server's timers: each waits until a step lets it fire, early or late, for an actor must not care. */
export class ModelTimers {
  readonly #network: Network;
  readonly #forgetful: boolean;
  readonly #kept = new Map<string, Kept>();

  /** `forgetful`: it says that it keeps a timer, and does not. */
  constructor(network: Network, forgetful: boolean) {
    this.#network = network;
    this.#forgetful = forgetful;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Takes out the one that fires; `which` modulo their number. */
  fire(which: number): Kept | undefined {
    const [name, kept] = [...this.#kept][which % Math.max(1, this.#kept.size)] ?? [];
    if (name !== undefined) this.#kept.delete(name);
    return kept;
  }

  /** A process's way to them. A timer is ordered again until the server has said yes; taking one back is one attempt. */
  of(process: Process): TimerService {
    const send = (what: string, arrive: () => void, lose: () => void): void =>
      this.#network.send({ what: `${process.name} ${what}`, from: process, arrive, lose });
    return {
      set: (ref, timer) =>
        new Promise((resolve) => {
          const name = `${formatRef(ref)}@${timer.key}`;
          const attempt = (): void => send(`sets ${name}`, land, attempt);
          const land = (): void => {
            if (!this.#forgetful) this.#kept.set(name, { ref, timer });
            this.#network.send({ what: `${name} is kept`, to: process, arrive: resolve, lose: attempt });
          };
          attempt();
        }),
      cancel: (ref, key) =>
        new Promise((resolve, reject) => {
          const name = `${formatRef(ref)}@${key}`;
          const land = (): void => {
            this.#kept.delete(name);
            resolve();
          };
          send(`cancels ${name}`, land, () => reject(new Error('lost')));
        }),
    };
  }
}
