import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../errors/error.js';
import type { StatewattClient } from '../actors/client/client.js';
import { COUNTER_POINT, counterModel } from './site.js';

const DEADLINE_MS = 2_000;
const AGAIN_MS = 100;

/** One command that was acknowledged. */
export interface Acknowledged {
  /** Ms since the load began. */
  readonly atMs: number;
  /** From the first time it was sent. */
  readonly tookMs: number;
}

/**
 * Callers that set the counters of models to 1, 2, 3 …, each the next number when the one before was acknowledged. A
 * command without an answer is sent again under its id until it has one: so each number must stand in the journal once,
 * in order.
 */
export class Load {
  /** The last number that was acknowledged, by model. */
  readonly acknowledged = new Map<string, number>();
  readonly done: Acknowledged[] = [];
  /** Commands that were sent again. */
  repeated = 0;
  lastError = '';
  readonly #client: StatewattClient;
  readonly #callers: number;
  readonly #actors: number;
  readonly #begun = performance.now();
  #running: Promise<unknown> = Promise.resolve();
  #stopped = false;

  constructor(client: StatewattClient, { callers, actors }: { callers: number; actors: number }) {
    this.#client = client;
    this.#callers = Math.min(callers, actors);
    this.#actors = actors;
  }

  start(): void {
    this.#running = Promise.all(Array.from({ length: this.#callers }, (_, caller) => this.#call(caller)));
  }

  /** Resolves when what is under way was acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Each model is one caller's own. */
  async #call(caller: number): Promise<void> {
    for (let turn = 0; ; turn++) {
      for (let actor = caller; actor < this.#actors; actor += this.#callers) {
        if (this.#stopped) return;
        const model = counterModel(actor);
        await this.#set(model, turn + 1);
        this.acknowledged.set(model, turn + 1);
      }
    }
  }

  async #set(model: string, value: number): Promise<void> {
    const begun = performance.now();
    for (;;) {
      try {
        const commandId = `${model}-${value}`;
        await this.#client.writeModel({ model, point: COUNTER_POINT, value, commandId, deadlineMs: DEADLINE_MS });
        const now = performance.now();
        this.done.push({ atMs: now - this.#begun, tookMs: now - begun });
        return;
      } catch (error) {
        this.lastError = errorMessage(error);
        this.repeated += 1;
        await sleep(AGAIN_MS);
      }
    }
  }
}
