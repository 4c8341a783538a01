import { StatewattError, toStatewattError } from '../../../errors/error.js';
import type { DeadLetter, EffectRecord, EventBody, JournalEntry } from '../../../bus/messages.js';
import { formatRef, type Ref } from '../../../bus/subjects.js';
import type { Histogram } from '../../../telemetry/histogram.js';
import { spanning, traceparentOf } from '../../../telemetry/spans.js';
import { Mailbox } from '../mailbox.js';
import { effectSpan } from '../spans.js';
import { EffectRefused, type DurableEffect, type EffectPolicy } from './effect.js';

/** A journal entry on its way through the outbox. */
export interface OutboxEntry {
  readonly ref: Ref;
  readonly seq: number;
  readonly entry: JournalEntry;
  /** All its durable effects have happened or are parked: it need not come again. */
  settle(): void;
}

/** What the outbox did since the node's start. */
export interface OutboxCounters {
  effectsRun: number;
  effectsRetried: number;
  effectsParked: number;
}

export interface RunnerOptions {
  /** The effect of a kind as this node knows it. */
  readonly effect: (kind: string, type: string) => DurableEffect<unknown> | undefined;
  /** Whether this node may let the partition's effects happen at this moment. */
  readonly owns: () => boolean;
  readonly park: (ref: Ref, letter: DeadLetter) => Promise<void>;
  readonly tell: (to: Ref, command: EventBody, commandId: string, traceparent: string) => Promise<void>;
  readonly node: string;
  readonly counters: OutboxCounters;
  /** How long the runs took, those that failed too. */
  readonly times?: Histogram;
  readonly now?: () => number;
  readonly random?: () => number;
}

interface Running {
  readonly abort: AbortController;
  readonly done: Promise<unknown>;
}

/** How often a node without a lease looks whether it has one again, and parking is tried again. */
const RETRY_MS = 250;
/** Settled entries that are remembered: one whose acknowledgement was lost comes again. */
const REMEMBERED = 10_000;

/**
 * Runs the durable effects of one partition's entries: those of one actor in order, those of different actors side by
 * side. One that fails is tried again, then parked; until then it holds up its own actor only.
 */
export class OutboxRunner {
  readonly #options: RunnerOptions;
  readonly #lanes = new Map<string, Mailbox<OutboxEntry>>();
  readonly #taken = new Set<number>();
  readonly #settled = new Set<number>();
  readonly #running = new Set<Running>();
  readonly #pauses = new Set<() => void>();
  #closed = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Takes an entry; one that is here already, or was, is not begun again. */
  take(entry: OutboxEntry): void {
    if (this.#closed || this.#taken.has(entry.seq)) return;
    if (this.#settled.has(entry.seq) || !entry.entry.effects.some((effect) => effect.durable)) {
      entry.settle();
      return;
    }
    this.#taken.add(entry.seq);
    const name = formatRef(entry.ref);
    let lane = this.#lanes.get(name);
    if (lane !== undefined) {
      lane.push(entry);
      return;
    }
    lane = new Mailbox<OutboxEntry>(Infinity);
    lane.push(entry);
    this.#lanes.set(name, lane);
    void this.#drain(name, lane);
  }

  /** Begins nothing more. What runs has `graceMs` to end by itself, then it is aborted; it will be run again. */
  async close(graceMs = 0): Promise<void> {
    this.#closed = true;
    for (const wake of [...this.#pauses]) wake();
    const done = Promise.allSettled([...this.#running].map((running) => running.done));
    if (graceMs > 0 && this.#running.size > 0) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([done, new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
      clearTimeout(timer);
    }
    for (const { abort } of this.#running) abort.abort(lost());
    await done;
  }

  async #drain(name: string, lane: Mailbox<OutboxEntry>): Promise<void> {
    for (let next = lane.take(); next !== undefined; next = lane.take()) {
      if (!(await this.#work(next))) return; // Closed: the next owner goes on from here.
      this.#taken.delete(next.seq);
      this.#remember(next.seq);
      next.settle();
    }
    this.#lanes.delete(name);
  }

  /** False when it was left for the next owner. */
  async #work(entry: OutboxEntry): Promise<boolean> {
    for (const [index, record] of entry.entry.effects.entries()) {
      if (!record.durable) continue;
      const key = effectKey(entry.ref, entry.seq, index);
      if (!(await this.#carryOut(entry, record, key))) return false;
    }
    return true;
  }

  async #carryOut(entry: OutboxEntry, record: EffectRecord, key: string): Promise<boolean> {
    const { counters, random = Math.random } = this.#options;
    const effect = this.#options.effect(entry.ref.kind, record.type);
    if (effect === undefined)
      return this.#park(entry, record, { key, attempts: 0, error: unknownEffect(entry.ref, record.type) });
    for (let attempt = 1; ; attempt++) {
      while (!this.#closed && !this.#options.owns()) await this.#pause(RETRY_MS);
      if (this.#closed) return false;
      try {
        await this.#attempt(effect, { entry, record, key, attempt });
        counters.effectsRun += 1;
        return true;
      } catch (thrown) {
        if (this.#closed) return false;
        const error = toStatewattError(thrown, 'effects.failed');
        if (attempt >= effect.policy.attempts || error instanceof EffectRefused) {
          return this.#park(entry, record, { key, attempts: attempt, error });
        }
        counters.effectsRetried += 1;
        await this.#pause(delayMs(effect.policy, attempt, error.retryAfterMs, random()));
      }
    }
  }

  async #attempt(effect: DurableEffect<unknown>, { entry, record, key, attempt }: Attempt): Promise<void> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(timedOut(key, effect.policy.timeoutMs)), effect.policy.timeoutMs);
    const aborted = new Promise<never>((_, reject) => {
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason as Error), { once: true });
    });
    const { node, times } = this.#options;
    const span = effectSpan({ ref: entry.ref, type: record.type, key, node, attempt }, entry.entry.traceparent);
    const traceparent = traceparentOf(span) ?? entry.entry.traceparent;
    const run = async (): Promise<void> =>
      effect.run({
        params: record.params,
        ref: entry.ref,
        key,
        seq: entry.seq,
        attempt,
        signal: abort.signal,
        traceparent,
        tell: (to, command) => this.#options.tell(to, command, key, traceparent),
      });
    const startedAt = performance.now();
    const done = spanning(span, () => Promise.race([run(), aborted]));
    const running = { abort, done };
    this.#running.add(running);
    try {
      await done;
    } finally {
      clearTimeout(timer);
      this.#running.delete(running);
      times?.since(startedAt);
    }
  }

  /** Until it lies in the dead letters, or the partition has gone elsewhere: it is never dropped. */
  async #park(entry: OutboxEntry, record: EffectRecord, failure: Failure): Promise<boolean> {
    const { park, node, counters, now = Date.now } = this.#options;
    const letter: DeadLetter = {
      ref: formatRef(entry.ref),
      event: entry.entry.event,
      error: failure.error.toJSON(),
      state: null,
      seq: entry.seq,
      at: now(),
      node,
      traceparent: entry.entry.traceparent,
      effect: { type: record.type, params: record.params, key: failure.key, attempts: failure.attempts },
    };
    while (!this.#closed) {
      try {
        await park(entry.ref, letter);
        counters.effectsParked += 1;
        return true;
      } catch (error) {
        process.emitWarning(`${failure.key} could not be parked: ${toStatewattError(error).message}`);
        await this.#pause(RETRY_MS);
      }
    }
    return false;
  }

  #remember(seq: number): void {
    this.#settled.add(seq);
    if (this.#settled.size <= REMEMBERED) return;
    const oldest = this.#settled.values().next();
    if (oldest.done !== true) this.#settled.delete(oldest.value);
  }

  /** Ends early when the runner is closed. */
  #pause(ms: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#pauses.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#pauses.add(wake);
    });
  }
}

interface Attempt {
  readonly entry: OutboxEntry;
  readonly record: EffectRecord;
  readonly key: string;
  readonly attempt: number;
}

interface Failure {
  readonly key: string;
  readonly attempts: number;
  readonly error: StatewattError;
}

/** Names an effect for ever: `kind/id#seq.n`. */
export function effectKey(ref: Ref, seq: number, index: number): string {
  return `${formatRef(ref)}#${seq}.${index}`;
}

/** Between half of the backoff and all of it; what the other side asks for is kept up to the policy's maximum. */
function delayMs(policy: EffectPolicy, failures: number, askedMs: number | undefined, random: number): number {
  const { initial, max } = policy.backoffMs;
  const backoff = Math.min(max, initial * 2 ** (failures - 1)) * (0.5 + random / 2);
  return Math.max(backoff, Math.min(askedMs ?? 0, max));
}

function timedOut(key: string, ms: number): StatewattError {
  return new StatewattError('effects.timeout', 'timeout', `${key} did not end within ${ms} ms`);
}

function lost(): StatewattError {
  return new StatewattError('effects.stopped', 'unavailable', 'the effect goes on at the next owner of its partition');
}

export function unknownEffect(ref: Ref, type: string): StatewattError {
  return new StatewattError(
    'effects.unknown',
    'invalid',
    `kind "${ref.kind}" has no durable effect "${type}" on this node`,
  );
}
