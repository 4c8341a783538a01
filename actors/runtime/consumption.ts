import type { ConsumerInfo, ConsumerMessages, JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { whileConnected } from '../../bus/while-connected.js';
import { errorMessage } from '../../errors/error.js';

const RETRY_MS = 250;

export interface ConsumptionOptions {
  readonly bus: Bus;
  readonly stream: string;
  /**
   * Makes the consumer of this run, which begins at the first message that is not acknowledged, in place of the one of
   * the run before. Answers it, or undefined when others have taken the place.
   */
  readonly make: (run: number) => Promise<ConsumerInfo | undefined>;
  readonly onMessage: (message: JsMsg) => void;
}

/**
 * Messages of a stream in order, across gaps of the connection. What was on its way when a connection broke counts as
 * delivered, and would come again only after the acknowledgement's time is over, behind later messages. So each gap ends
 * with a consumer made anew: some messages come twice, but none overtakes another.
 */
export class Consumption {
  readonly #options: ConsumptionOptions;
  #run = 0;
  #messages: ConsumerMessages | undefined;
  #gaps = 0;
  /** Messages are taken: there was no gap since the consumer was made. */
  #flowing = false;
  #resuming: Promise<void> | undefined;
  #closed = false;
  #endStatus: () => void = () => undefined;

  constructor(options: ConsumptionOptions) {
    this.#options = options;
  }

  /** Begins. False when others have taken the place. */
  async open(): Promise<boolean> {
    this.#endStatus = this.#options.bus.onStatus((status) => {
      if (status === 'connected') this.#resume();
      else this.#interrupt();
    });
    let opened = false;
    try {
      opened = await this.#begin();
    } finally {
      if (!opened) await this.close();
    }
    if (this.#closed) await this.#messages?.close();
    else if (!this.#flowing) this.#resume();
    return opened;
  }

  /** Takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#flowing = false;
    this.#endStatus();
    await Promise.all([this.#resuming, this.#messages?.close()]);
  }

  #interrupt(): void {
    this.#gaps += 1;
    this.#flowing = false;
  }

  /** False when others have taken the place. */
  async #begin(): Promise<boolean> {
    const { bus, make, onMessage } = this.#options;
    const gaps = this.#gaps;
    const run = this.#run++;
    const made = await whileConnected(bus, () => make(run));
    if (made === undefined) return false;
    const consumer = bus.jetstream.consumers.getConsumerFromInfo(made);
    if (this.#closed || gaps !== this.#gaps) return true;
    this.#flowing = true;
    this.#messages = await consumer.consume({
      max_messages: 200,
      callback: (message) => {
        if (this.#flowing && run === this.#run - 1) onMessage(message);
      },
    });
    return true;
  }

  #resume(): void {
    if (this.#closed) return;
    this.#resuming ??= this.#untilFlowing().finally(() => {
      this.#resuming = undefined;
    });
  }

  async #untilFlowing(): Promise<void> {
    while (!this.#closed && !this.#flowing) {
      try {
        await this.#messages?.close();
        if (!(await this.#begin())) return; // The table will say so, too.
      } catch (error) {
        if (this.#closed) return;
        if (this.#options.bus.status === 'connected') {
          process.emitWarning(`${this.#options.stream} cannot be consumed, trying again: ${errorMessage(error)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    if (this.#closed) await this.#messages?.close();
  }
}
