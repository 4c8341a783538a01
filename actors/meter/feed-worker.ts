import { setTimeout } from 'node:timers/promises';
import { errorMessage, StatewattError } from '../../errors/error.js';
import type { MeterRecord, MeterSource } from '../../site/metering/readings.js';
import { intervalOf, registerEnergy, rolloverOf } from '../../site/metering/register.js';
import { GOOD, pointKey, type Frame } from '../../site/points.js';
import type { CountAnswer } from '../meter.js';
import type { FrameRouter } from '../rule/frame-router.js';
import type { Host, Resource } from '../runtime/kind.js';
import { RegisterWatch, type RegisterNews } from './register-watch.js';

/** What feeds of meters need of their node. */
export interface MeterFeedParts {
  readonly frames: Pick<FrameRouter, 'watch'>;
  /** What a meter is. @throws `meters.not_found`, and what an ask throws */
  describe(meter: string): Promise<MeterRecord>;
  /** Has a meter count; the same again changes nothing. */
  count(meter: string, end: number, register: string, estimated: boolean): Promise<CountAnswer>;
  /** Has a meter note another counter; the same again changes nothing. */
  replace(meter: string, from: string, to: string, seen: number): Promise<void>;
  /** Hears what became of each value, and of each reading. */
  told(answer: CountAnswer): void;
}

const RETRY_MS = { first: 250, most: 10_000 } as const;
/** News that wait while the meter cannot be asked; beyond it the newest boundary takes the place of the one before. */
const MAX_WAITING = 100;

/** What the live part of a feed shows of itself. */
export interface MeterFeedLive {
  readonly watching: boolean;
  /** The newest good value, µWh, and its time. */
  readonly newest: { readonly energy: string; readonly time: number } | null;
  /** Why the last value was not counted; null when it was. */
  readonly problem: string | null;
  readonly waiting: number;
}

/**
 * The live part of a feed: finds boundaries in the frames of a channel, and has the meter count at them. Nothing is lost
 * with it: the meter's journal says from where to go on, and a boundary that is missed makes the next reading longer.
 */
export class MeterFeedWorker implements Resource {
  readonly #meter: string;
  readonly #host: Pick<Host<never>, 'fail'>;
  readonly #parts: MeterFeedParts;
  /** Ends what was begun with the source of before. */
  #end = new AbortController();
  #watch: RegisterWatch | undefined;
  #waiting: RegisterNews[] = [];
  #telling = false;
  #problem: string | null = null;

  constructor(meter: string, host: Pick<Host<never>, 'fail'>, parts: MeterFeedParts) {
    this.#meter = meter;
    this.#host = host;
    this.#parts = parts;
  }

  inspect(): MeterFeedLive {
    const newest = this.#watch?.newest;
    return {
      watching: this.#watch !== undefined,
      newest: newest === undefined ? null : { energy: newest.energy.toString(), time: newest.time },
      problem: this.#problem,
      waiting: this.#waiting.length,
    };
  }

  /** Reads this source from now on, in place of what was read before. */
  watch(source: MeterSource | null): void {
    this.unwatch();
    if (source === null) return;
    this.#begin(source, this.#end.signal).catch((error: unknown) => this.#host.fail(error));
  }

  unwatch(): void {
    this.#end.abort();
    this.#end = new AbortController();
    this.#watch = undefined;
    this.#waiting = [];
    this.#problem = null;
  }

  close(): Promise<void> {
    this.unwatch();
    this.#end.abort();
    return Promise.resolve();
  }

  async #begin(source: MeterSource, signal: AbortSignal): Promise<void> {
    const record = await this.#insist(() => this.#parts.describe(this.#meter), signal);
    if (record === undefined || signal.aborted) return;
    const { register } = record;
    const start = register === null ? undefined : { energy: BigInt(register.energy), time: register.at };
    const watch = new RegisterWatch(intervalOf(source), rolloverOf(source), start, (news) => this.#tell(news));
    this.#watch = watch;
    const key = pointKey('T', source.point);
    const end = this.#parts.frames.watch(source.channel, (frame) => take(frame, key, source, watch));
    signal.addEventListener('abort', end, { once: true });
  }

  #tell(news: RegisterNews): void {
    const last = this.#waiting.at(-1);
    if (this.#waiting.length >= MAX_WAITING && news.type === 'count' && last?.type === 'count') this.#waiting.pop();
    this.#waiting.push(news);
    if (!this.#telling) this.#tellAll().catch((error: unknown) => this.#host.fail(error));
  }

  /** One after the other, each until its meter has taken it. */
  async #tellAll(): Promise<void> {
    this.#telling = true;
    try {
      for (let news = this.#waiting[0]; news !== undefined; news = this.#waiting[0]) {
        const { signal } = this.#end;
        const told = news;
        await this.#insist(() => this.#ask(told), signal);
        if (!signal.aborted && this.#waiting[0] === told) this.#waiting.shift();
      }
    } finally {
      this.#telling = false;
    }
  }

  async #ask(news: RegisterNews): Promise<void> {
    if (news.type === 'replace') {
      await this.#parts.replace(this.#meter, news.from.toString(), news.to.toString(), news.seen);
      return;
    }
    const answer = await this.#parts.count(this.#meter, news.end, news.energy.toString(), news.estimated);
    const { verdict } = answer;
    this.#problem = verdict?.verdict === 'rejected' ? `${verdict.code}: ${verdict.message}` : null;
    this.#parts.told(answer);
  }

  /** Until it succeeds, with growing pauses; undefined: the meter is not there, or something else is to be done. */
  async #insist<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | undefined> {
    for (let wait: number = RETRY_MS.first; !signal.aborted; wait = Math.min(RETRY_MS.most, 2 * wait)) {
      try {
        return await work();
      } catch (error) {
        this.#problem = errorMessage(error);
        if (error instanceof StatewattError && !error.retryable) return;
      }
      await setTimeout(wait, undefined, { signal }).catch(() => undefined); // Aborted: the loop ends.
    }
    return undefined;
  }
}

/** Good values only: a stale one is of before, a bad one is none. */
function take(frame: Frame, key: number, { unit }: MeterSource, watch: RegisterWatch): void {
  const index = frame.keys.indexOf(key);
  if (index < 0 || frame.quality[index] !== GOOD) return;
  const energy = registerEnergy(frame.values[index] as number, unit);
  if (energy !== undefined) watch.see(energy, frame.time - (frame.ages?.[index] ?? 0));
}
