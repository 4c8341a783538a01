import type { Bus } from '../../bus/connection.js';
import { encodeFrame } from '../../bus/frame-codec.js';
import { subjects } from '../../bus/subjects.js';
import { whileConnected } from '../../bus/while-connected.js';
import { errorMessage } from '../../errors/error.js';
import { ruleMatcher, type StoragePlan, type StorageRule } from '../../site/history/mapping.js';
import { pointKey, QUALITIES, type Frame, type PointValue } from '../../site/points.js';

/** A plan without anything to collect is looked at as often. */
const IDLE_MS = 500;
/** Channels that are read at once. */
const WIDTH = 16;
/** No activation of a channel has this epoch: what is collected has an order of its own. */
const EPOCH = 0;

export interface RedisCollectorParts {
  readonly bus: Bus;
  /** What Redis holds of a channel now. */
  readonly read: (channel: number) => Promise<readonly PointValue[]>;
  readonly plan: () => StoragePlan;
  /** Whether an enabled channel of the site writes these values itself. */
  readonly isOwned: (channel: number) => boolean;
  /** A cycle found nothing out, or could not tell; the next one tries again. null: it does again. */
  readonly onTrouble: (error: string | null) => void;
  readonly now?: () => number;
}

export interface CollectedCounters {
  /** Points that were collected. */
  points: number;
  /** Looks at a channel that came to nothing because Redis or NATS was away. */
  missed: number;
}

/**
 * Reads, each cycle, the values that others write into Redis and that are to be kept, and sends them to history, as
 * frames that only history takes. Cycles begin at whole multiples of their length, so two nodes that both believe to be
 * the collector send the same frame under the same name, and one of them counts.
 */
export class RedisCollector {
  readonly counters: CollectedCounters = { points: 0, missed: 0 };
  readonly #parts: RedisCollectorParts;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #collecting: Promise<unknown> = Promise.resolve();
  #running = false;
  #trouble: string | null = null;

  constructor(parts: RedisCollectorParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  /** Whether this node collects. */
  run(on: boolean): void {
    if (on === this.#running) return;
    this.#running = on;
    clearTimeout(this.#timer);
    if (on) this.#schedule();
  }

  /** Resolves when the cycle under way has ended. */
  async stop(): Promise<void> {
    this.run(false);
    await this.#collecting;
  }

  /**
   * Collects everything now, or what is to be collected of some channels. Asked again at the same time it changes nothing.
   *
   * @param at the time that the values get, ms since the Unix epoch
   * @throws `realtime.unavailable`, `bus.unavailable`
   */
  async collect(at: number, channels?: readonly number[]): Promise<{ channels: number; points: number }> {
    const rules = this.#parts.plan().rules.filter(isCollecting);
    const wanted = this.#channelsOf(rules).filter((channel) => channels?.includes(channel) ?? true);
    let points = 0;
    for (const channel of wanted) points += await this.#look(channel, rules, at, 'asked');
    return { channels: wanted.length, points };
  }

  #schedule(): void {
    const rules = this.#parts.plan().rules.filter(isCollecting);
    const now = this.#now();
    const due = Math.min(...rules.map(({ collectMs }) => nextCycle(now, collectMs)));
    const waitMs = rules.length === 0 ? IDLE_MS : Math.min(IDLE_MS, due - now);
    this.#timer = setTimeout(() => {
      const cycle = rules.filter(({ collectMs }) => due % collectMs === 0);
      if (cycle.length === 0 || this.#now() < due) {
        this.#schedule(); // The plan may be another by now.
        return;
      }
      this.#collecting = this.#cycle(cycle, due).then(() => {
        if (this.#running) this.#schedule();
      });
    }, waitMs);
  }

  /** Never rejects. */
  async #cycle(rules: readonly CollectingRule[], at: number): Promise<void> {
    const queue = this.#channelsOf(rules).values();
    let trouble: string | null = null;
    const worker = async (): Promise<void> => {
      for (const channel of queue) {
        try {
          await this.#look(channel, rules, at, 'cycle');
        } catch (error) {
          this.counters.missed += 1;
          trouble = errorMessage(error);
        }
      }
    };
    await Promise.all(Array.from({ length: WIDTH }, worker));
    if (trouble !== this.#trouble) this.#parts.onTrouble(trouble);
    this.#trouble = trouble;
  }

  /** Answers how many points there were. */
  async #look(channel: number, rules: readonly CollectingRule[], at: number, why: string): Promise<number> {
    const { bus, read } = this.#parts;
    const tests = rules.map(ruleMatcher);
    const values = (await read(channel)).filter(
      ({ kind, id, value }) => value !== null && tests.some((isMeant) => isMeant(channel, kind, id)),
    );
    if (values.length === 0) return 0;
    const subject = subjects.lateFrame(channel, EPOCH);
    const name = `${why}-${channel}-${at}-${rules.map(({ collectMs }) => collectMs).join('.')}`;
    const bytes = encodeFrame(toFrame(channel, at, values));
    await whileConnected(bus, () => bus.jetstream.publish(subject, bytes, { msgID: name }));
    this.counters.points += values.length;
    return values.length;
  }

  #channelsOf(rules: readonly CollectingRule[]): number[] {
    const channels = new Set<number>();
    for (const { channels: range } of rules.flatMap(({ points }) => points)) {
      for (let channel = range[0]; channel <= range[1]; channel++) {
        if (!this.#parts.isOwned(channel)) channels.add(channel);
      }
    }
    return [...channels];
  }
}

type CollectingRule = StorageRule & { readonly collectMs: number };

function isCollecting(rule: StorageRule): rule is CollectingRule {
  return rule.collectMs !== undefined;
}

function nextCycle(now: number, everyMs: number): number {
  return (Math.floor(now / everyMs) + 1) * everyMs;
}

function toFrame(channel: number, time: number, values: readonly PointValue[]): Frame {
  const texts = new Map<number, string>();
  for (const [index, { value }] of values.entries()) if (typeof value === 'string') texts.set(index, value);
  return {
    ...{ channel, epoch: EPOCH, seq: Math.floor(time / 100) % 2 ** 32, time },
    keys: Uint32Array.from(values, ({ kind, id }) => pointKey(kind, id)),
    values: Float64Array.from(values, ({ value }) => (typeof value === 'number' ? value : NaN)),
    quality: Uint8Array.from(values, ({ quality }) => Math.max(0, QUALITIES.indexOf(quality))),
    ...(texts.size > 0 ? { texts } : {}),
  };
}
