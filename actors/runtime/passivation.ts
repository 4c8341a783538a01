import { errorMessage } from '../../errors/error.js';
import type { ActorHost } from './host.js';
import type { Kind } from './kind.js';

const LONGEST_MS = 15_000;

/**
 * Looks for idle actors of a node now and then: one timer for all of them. An actor leaves at the latest a quarter of its
 * kind's time, or 15 s, after that time is up.
 */
export class Passivator {
  readonly #host: ActorHost;
  readonly #periodMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sweeping = false;

  constructor(host: ActorHost, kinds: readonly Kind[]) {
    this.#host = host;
    const times = kinds.flatMap(({ policy: { alwaysOn, passivateAfterMs } }) =>
      alwaysOn || passivateAfterMs === undefined ? [] : [passivateAfterMs],
    );
    this.#periodMs =
      times.length === 0 ? undefined : Math.max(1, Math.min(LONGEST_MS, ...times.map((each) => each / 4)));
  }

  start(): void {
    if (this.#periodMs === undefined) return;
    this.#timer = setInterval(() => void this.#sweep(), this.#periodMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      await this.#host.passivateIdle();
    } catch (error) {
      process.emitWarning(`idle actors could not leave: ${errorMessage(error)}`);
    } finally {
      this.#sweeping = false;
    }
  }
}
