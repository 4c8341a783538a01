import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../errors/error.js';
import type { StatewattClient } from '../actors/client/client.js';

const DEADLINE_MS = 2_000;
const AGAIN_MS = 100;

/** One command that was acknowledged. */
export interface Acknowledged {
  /** Ms since the load began. */
  readonly atMs: number;
  /** From the first time it was sent. */
  readonly tookMs: number;
}

/** Who commands what. */
export interface LoadOptions {
  readonly callers: number;
  /** Models that hold what they are set to. */
  readonly models: readonly string[];
  /** Their point. */
  readonly point: string;
  /** Commands of all of them, at most; undefined: as fast as they are acknowledged. */
  readonly perSecond?: number | undefined;
}

/**
 * Callers that set the counters of models to 1, 2, 3 …, each the next number when the one before was acknowledged, and
 * its turn has come where there is a rate. A
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
  /** Models whose last command was given up without an acknowledgement, each with what was answered instead. */
  readonly unanswered: string[] = [];
  readonly #client: StatewattClient;
  readonly #options: LoadOptions;
  readonly #begun = performance.now();
  #running: Promise<unknown> = Promise.resolve();
  readonly #stopping = new AbortController();
  #abandoned = false;

  constructor(client: StatewattClient, options: LoadOptions) {
    this.#client = client;
    this.#options = options;
  }

  start(): void {
    const { callers, models } = this.#options;
    const own = Array.from({ length: callers }, (_, caller) => models.filter((_model, at) => at % callers === caller));
    const busy = own.filter((each) => each.length > 0);
    this.#running = Promise.all(busy.map((each, caller) => this.#call(each, this.#turns(caller, busy.length))));
  }

  /** Resolves when what is under way was acknowledged, or `ms` have passed: then it is given up, and may yet be done. */
  async stop(ms = Infinity): Promise<void> {
    this.#stopping.abort();
    const timer = ms === Infinity ? undefined : setTimeout(() => (this.#abandoned = true), ms);
    await this.#running;
    clearTimeout(timer);
  }

  /** Each model is one caller's own. */
  async #call(models: readonly string[], mayGo: () => Promise<void>): Promise<void> {
    for (let turn = 1; ; turn++) {
      for (const model of models) {
        await mayGo();
        if (this.#stopping.signal.aborted || !(await this.#set(model, turn))) return;
        this.acknowledged.set(model, turn);
      }
    }
  }

  /** When a caller may send its next command. What it has missed while it had no answer, it does not make up for. */
  #turns(caller: number, callers: number): () => Promise<void> {
    const { perSecond } = this.#options;
    if (perSecond === undefined) return () => Promise.resolve();
    const everyMs = (callers * 1_000) / perSecond;
    let due = performance.now() + (everyMs * caller) / callers;
    return async () => {
      const waitMs = due - performance.now();
      // Only the end of the load cuts it short.
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      due = Math.max(due, performance.now()) + everyMs;
    };
  }

  /** Until it is acknowledged. False when it was given up. */
  async #set(model: string, value: number): Promise<boolean> {
    const begun = performance.now();
    while (!this.#abandoned) {
      try {
        const commandId = `${model}-${value}`;
        await this.#client.writeModel({ model, point: this.#options.point, value, commandId, deadlineMs: DEADLINE_MS });
        const now = performance.now();
        this.done.push({ atMs: now - this.#begun, tookMs: now - begun });
        return true;
      } catch (error) {
        this.lastError = errorMessage(error);
        this.repeated += 1;
        await sleep(AGAIN_MS);
      }
    }
    this.unanswered.push(`${model}: ${this.lastError === '' ? 'no answer' : this.lastError}`);
    return false;
  }
}
