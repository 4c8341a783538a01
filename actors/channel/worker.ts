import { StatewattError, toStatewattError } from '../../errors/error.js';
import { LinkError, ProtocolError, type Driver } from '../../protocols/driver.js';
import type { ChannelConfig } from '../../site/model.js';
import { pointKey, type Frame, type PointValue, QUALITIES, STALE } from '../../site/points.js';
import { Readings } from '../../site/readings.js';
import {
  holdKey,
  type ChannelContext,
  type ChannelEvent,
  type HoldOrder,
  type WriteOrder,
} from '../../machines/channel.js';
import type { Host, Resource, WithoutTime } from '../runtime/kind.js';
import { FrameBuilder } from './frame-builder.js';
import { LinkReporter } from './link-report.js';
import { Schedule } from './schedule.js';
import { Sleep } from './sleep.js';
import { ChannelStatistics } from './statistics.js';

/** Where a channel's frames go, in order; see FramePublisher. */
export interface FrameLine {
  /** Never blocks and never throws; what cannot be kept is counted. */
  publish(frame: Frame): void;
  /** Resolves when further frames can go the direct way; undefined, or absent: now. Who does not wait has them spooled. */
  room?(): Promise<void> | undefined;
  /** Resolves when everything is published or in the spool. */
  close(): Promise<void>;
}

/** What a channel needs of its node. */
export interface ChannelParts {
  /** The configuration in force; undefined when the channel is no longer in the site's file. */
  config(channel: number): ChannelConfig | undefined;
  createDriver(config: ChannelConfig): Driver;
  openLine(onFenced: (error: StatewattError) => void): FrameLine;
  /** The values that readers have of the channel now; they are shown as stale until they are read again. */
  lastValues(channel: number): Promise<readonly PointValue[]>;
  /** Bounds the links that are being opened at once. */
  connecting<T>(work: () => Promise<T>): Promise<T>;
  /** Begins a poll when it is its turn among those of all channels of the node; see PollTurns. */
  polling<T>(poll: () => Promise<T>): Promise<T>;
}

/** What the live part of a channel shows of itself. */
export interface ChannelLive {
  readonly stats: ChannelStatistics;
  readonly roundTripMs: ReturnType<ChannelStatistics['roundTripMs']>;
  readonly connected: boolean;
}

const BACKOFF_MS = { initial: 200, max: 2_000 } as const;

/** One link from its opening to its closing: a driver with the tables that it was made for. */
interface Run {
  readonly config: ChannelConfig;
  readonly driver: Driver;
  readonly readings: Readings;
  readonly frames: FrameBuilder;
  /** Ended when the run is closing. */
  readonly sleep: Sleep;
  done: Promise<void>;
  connected: boolean;
}

/**
 * The live part of a channel: opens the link, reads at a fixed rate, publishes frames, opens the link again when it is
 * lost. It goes on by itself while the bus is away; the state chart hears only of changes of the link.
 */
export class ChannelWorker implements Resource {
  readonly stats = new ChannelStatistics();
  readonly #id: number;
  readonly #host: Host<WithoutTime<ChannelEvent>>;
  readonly #parts: ChannelParts;
  readonly #line: FrameLine;
  readonly #links: LinkReporter;
  #run: Run | undefined;
  #previous: Run | undefined;
  #steps: Promise<void> = Promise.resolve();
  /** What points were set to, by `<kind>:<id>`. */
  #held: ChannelContext['held'] = {};

  constructor(id: number, host: Host<WithoutTime<ChannelEvent>>, parts: ChannelParts) {
    this.#id = id;
    this.#host = host;
    this.#parts = parts;
    this.#line = parts.openLine((error) => host.fail(error));
    this.#links = new LinkReporter((report) => host.send(report));
  }

  inspect(): ChannelLive {
    const { stats } = this;
    return {
      stats,
      get roundTripMs() {
        return stats.roundTripMs(); // It sorts: only for who looks at it.
      },
      connected: this.#run?.connected ?? false,
    };
  }

  /** Begins to open the link, with the configuration in force and what points were set to. */
  open(held: ChannelContext['held'] = {}): Promise<void> {
    this.#held = held;
    return this.#inTurn(async () => {
      if (this.#run !== undefined) return;
      this.#links.forget();
      const config = this.#parts.config(this.#id);
      if (config === undefined) {
        this.#links.report({ type: 'link.failed', error: notConfigured(this.#id).toJSON() });
        return;
      }
      const readings = new Readings(config.points);
      if (this.#previous === undefined) seed(readings, await this.#lastValues());
      else carryOver(this.#previous.readings, readings);
      const driver = this.#createDriver(config);
      if (driver === undefined) return;
      for (const point of config.points) {
        const value = this.#held[holdKey(point)];
        if (value !== undefined) driver.hold?.(point, value);
      }
      const run: Run = {
        config,
        driver,
        readings,
        frames: new FrameBuilder(this.#id, this.#host.epoch, readings, this.#previous?.frames.seq, driver.pushed),
        sleep: new Sleep(),
        done: Promise.resolve(),
        connected: false,
      };
      this.#run = run;
      run.done = this.#keepLink(run).catch((error: unknown) => this.#host.fail(error));
    });
  }

  /** Closes the link; every value that was read becomes stale. */
  shut(): Promise<void> {
    return this.#inTurn(() => this.#endRun(true));
  }

  /** Closes the link quietly; `open` follows, with the new configuration. */
  useConfiguration(): Promise<void> {
    return this.#inTurn(() => this.#endRun(false));
  }

  /** The point reads so from its next cycle on. */
  hold({ kind, id, value }: HoldOrder): void {
    this.#held = { ...this.#held, [holdKey({ kind, id })]: value };
    const point = this.#run?.config.points.find((each) => each.kind === kind && each.id === id);
    if (point !== undefined) this.#run?.driver.hold?.(point, value);
  }

  async write({ writeId, kind, id, value }: WriteOrder): Promise<void> {
    const run = this.#run;
    const point = run?.config.points.find((each) => each.kind === kind && each.id === id);
    let event: WithoutTime<ChannelEvent>;
    try {
      if (run === undefined) throw new LinkError('the channel’s link is closed');
      if (point === undefined) throw noSuchPoint(this.#id, kind, id);
      event = { type: 'write.done', writeId, result: await run.driver.write(point, value) };
    } catch (error) {
      event = { type: 'write.failed', writeId, error: toStatewattError(error, 'channel.write_failed').toJSON() };
    }
    await this.#host.send(event);
  }

  async close(): Promise<void> {
    try {
      await this.shut();
    } finally {
      await this.#line.close();
    }
  }

  /** A channel is read even while nobody can tell what was read of it before. */
  async #lastValues(): Promise<readonly PointValue[]> {
    try {
      return await this.#parts.lastValues(this.#id);
    } catch (error) {
      this.stats.failed(error, Date.now());
      return [];
    }
  }

  /** undefined, and reported, when no driver can be made for this configuration. */
  #createDriver(config: ChannelConfig): Driver | undefined {
    try {
      return this.#parts.createDriver(config);
    } catch (error) {
      if (!(error instanceof StatewattError)) throw error;
      this.stats.failed(error, Date.now());
      this.#links.report({ type: 'link.failed', error: error.toJSON() });
      return undefined;
    }
  }

  /** Opening and closing never overlap. */
  #inTurn(step: () => Promise<void>): Promise<void> {
    this.#steps = this.#steps.catch(() => undefined).then(step);
    return this.#steps;
  }

  async #endRun(stale: boolean): Promise<void> {
    const run = this.#run;
    if (run === undefined) return;
    run.sleep.end();
    // What has come by itself and waits is told before its link is closed.
    if (run.connected && run.driver.pushed === true) await run.done;
    await run.driver.close();
    await run.done;
    if (stale) this.#publishStale(run);
    this.#previous = run;
    this.#run = undefined;
  }

  /** Ends when the run is closing or its fault is beyond trying again. */
  async #keepLink(run: Run): Promise<void> {
    const { sleep } = run;
    for (let failures = 0, lost = false; !sleep.ended; failures++) {
      try {
        await this.#parts.connecting(async () => {
          if (!sleep.ended) await run.driver.connect();
        });
        if (sleep.ended) return;
        if (lost) this.stats.reconnectCount += 1;
        lost = false;
        run.connected = true;
        this.#links.report({ type: 'link.up' });
        const cyclesBefore = this.stats.cycles;
        try {
          await this.#poll(run);
        } finally {
          run.connected = false;
          if (this.stats.cycles > cyclesBefore) failures = 0;
        }
      } catch (error) {
        if (sleep.ended) return;
        if (!this.#lost(run, error)) return;
        lost = true;
        await sleep.for(this.#backoffMs(failures));
      }
    }
  }

  /** Reads cycle after cycle. @throws LinkError when the link is gone */
  async #poll(run: Run): Promise<void> {
    const { sleep } = run;
    const schedule = new Schedule(run.config.pollingIntervalMs, this.#id);
    for (let next = schedule.afterFirst(monotonic()); ; next = schedule.after(Math.max(next, monotonic()))) {
      await this.#cycle(run);
      if (sleep.ended) return;
      const late = monotonic() - next;
      // A late cycle begins at once; those whose whole interval has passed were missed.
      if (late >= 0) this.stats.missedCycles += Math.floor(late / schedule.intervalMs);
      else await sleep.for(-late);
      if (!sleep.ended) continue;
      if (run.driver.pushed === true) await this.#cycle(run);
      return;
    }
  }

  /** @throws LinkError when the link is gone */
  async #cycle(run: Run): Promise<void> {
    for (let more = true; more;) {
      let time = 0;
      const outcome = await this.#parts.polling(async () => {
        time = Date.now();
        return run.driver.poll(run.readings);
      });
      if (run.sleep.ended && run.driver.pushed !== true) return;
      this.stats.polled(outcome, time);
      this.#publish(run, time);
      more = outcome.more === true;
      // What has come by itself is told as fast as it is taken, and waits where its bound is.
      if (more && !run.sleep.ended) await this.#line.room?.();
    }
  }

  /** Notes a lost link. False when trying again cannot help. */
  #lost(run: Run, thrown: unknown): boolean {
    this.stats.connectionErrors += 1;
    this.stats.failed(thrown, Date.now());
    this.#publishStale(run);
    if (!(thrown instanceof StatewattError)) {
      this.#host.fail(thrown); // A defect: the supervisor decides.
      return false;
    }
    const fatal = !(thrown instanceof ProtocolError) || thrown.fatal;
    this.#links.report({ type: fatal ? 'link.failed' : 'link.down', error: thrown.toJSON() });
    return !fatal;
  }

  /** Also when the values were known from before and readers may still take them for good. */
  #publishStale(run: Run): void {
    const changed = run.readings.markAllStale();
    if (changed || (!run.frames.begun && run.readings.quality.includes(STALE))) this.#publish(run, Date.now());
  }

  #publish(run: Run, time: number): void {
    const frame = run.frames.build(time);
    if (frame === undefined) return;
    this.stats.totalFrames += 1;
    this.#line.publish(frame);
  }

  #backoffMs(failures: number): number {
    const full = Math.min(BACKOFF_MS.max, BACKOFF_MS.initial * 2 ** Math.min(failures, 10));
    return full * (0.5 + 0.5 * Math.random());
  }
}

/** Whole ms of a clock that nobody sets: a cycle must not wait for the wall clock to come back. */
function monotonic(): number {
  return Math.floor(performance.now());
}

function seed(readings: Readings, values: readonly PointValue[]): void {
  const byKey = new Map(values.map((value) => [pointKey(value.kind, value.id), value]));
  readings.keys.forEach((key, index) => {
    const known = byKey.get(key);
    if (known === undefined || known.value === null || known.time === null) return;
    if (typeof known.value === 'string') readings.texts.set(index, known.value);
    readings.values[index] = typeof known.value === 'string' ? 0 : known.value;
    readings.times[index] = known.time;
    readings.quality[index] = known.quality === 'bad' ? QUALITIES.indexOf('bad') : STALE;
  });
}

/** Values of points that both tables have, with their times; what they mean may have changed only in scale or limits. */
function carryOver(from: Readings, to: Readings): void {
  const indexOf = new Map(Array.from(from.keys, (key, index) => [key, index]));
  to.keys.forEach((key, index) => {
    const old = indexOf.get(key);
    if (old === undefined) return;
    to.values[index] = from.values[old] as number;
    to.times[index] = from.times[old] as number;
    to.quality[index] = from.quality[old] as number;
    const text = from.texts.get(old);
    if (text !== undefined) to.texts.set(index, text);
  });
  to.markAllStale();
}

function notConfigured(channel: number): StatewattError {
  return new StatewattError(
    'channel.not_configured',
    'not_found',
    `channel ${channel} is no longer in the site’s configuration`,
  );
}

function noSuchPoint(channel: number, kind: string, id: number): StatewattError {
  return new StatewattError('points.not_found', 'not_found', `channel ${channel} has no point ${kind}:${id}`);
}
