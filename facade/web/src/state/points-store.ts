import { signal } from '@preact/signals';
import type { PointsUpdate } from '../../../../actors/client/client.js';
import type { PointView } from '../../../../actors/client/schemas.js';
import { ApiError, type Api } from '../api.js';

/** What a stream tells while it is open. */
export interface StreamHandlers {
  opened: () => void;
  message: (data: string) => void;
  /** It ended, or could not be opened; nothing more comes. */
  lost: () => void;
}

export interface EventStream {
  close(): void;
}

/** Opens the server's event stream at `url`; the page uses EventSource. */
export type OpenStream = (url: string, handlers: StreamHandlers) => EventStream;

/**
 * loading: nothing yet; live: changes arrive; reconnecting: values are those of before, tried again with `message`;
 * missing: the channel does not exist.
 */
export type PointsStatus =
  { state: 'idle' | 'loading' | 'live' } | { state: 'reconnecting' | 'missing'; message: string };

/** Frames come as quickly as devices are polled; people do not read quicker than this. */
const PAINT_EVERY_MS = 100;
const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 10_000;

/** The points of the selected channel, kept live by the server's event stream. */
export class PointsStore {
  readonly points = signal<readonly PointView[]>([]);
  readonly status = signal<PointsStatus>({ state: 'idle' });
  /** Called with each point as it arrives, before it is painted. */
  onPoint: (point: PointView) => void = () => undefined;

  readonly #api: Api;
  readonly #open: OpenStream;
  #channel: number | undefined;
  #stream: EventStream | undefined;
  #retries = 0;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #paintTimer: ReturnType<typeof setTimeout> | undefined;
  /** By address: arrived since the last paint. */
  #fresh = new Map<string, PointView>();
  /** Source time of the channel's newest change, ms since the Unix epoch. */
  #heardAt = 0;
  /** By address: arrived since the list was last asked for; the list's answer may be older than these. */
  #overtaking: Map<string, PointView> | undefined;

  constructor(api: Api, open: OpenStream) {
    this.#api = api;
    this.#open = open;
  }

  /** Shows this channel from now on; undefined shows none. */
  select(channel: number | undefined): void {
    if (channel === this.#channel) return;
    this.pause();
    this.#channel = channel;
    this.points.value = [];
    this.resume();
  }

  /** Closes the stream and keeps what was read: the page is not seen, or leaves. */
  pause(): void {
    this.#stream?.close();
    this.#stream = undefined;
    clearTimeout(this.#retryTimer);
    clearTimeout(this.#paintTimer);
    this.#paintTimer = undefined;
    this.#fresh.clear();
    this.#heardAt = 0;
    this.#overtaking = undefined;
  }

  /** Opens the stream (again), at once. */
  resume(): void {
    this.pause();
    this.#retries = 0;
    if (this.#channel === undefined) {
      this.status.value = { state: 'idle' };
      return;
    }
    this.status.value = { state: 'loading' };
    this.#connect(this.#channel);
  }

  #connect(channel: number): void {
    const stream = this.#open(this.#api.streamUrl(channel), {
      // The list is asked for only once changes are heard, so that none falls between the two.
      opened: () => void this.#load(channel, stream),
      message: (data) => this.#receive(JSON.parse(data) as PointsUpdate),
      lost: () => void this.#lost(channel, stream, 'the live stream was lost'),
    });
    this.#stream = stream;
  }

  async #load(channel: number, stream: EventStream): Promise<void> {
    const overtaking = new Map<string, PointView>();
    this.#overtaking = overtaking;
    try {
      const points = await this.#api.points(channel);
      if (this.#stream !== stream) return;
      this.points.value = points.map((point) => overtaking.get(point.address) ?? point);
      this.status.value = { state: 'live' };
      this.#retries = 0;
    } catch (error) {
      if (this.#stream !== stream) return;
      const message = error instanceof Error ? error.message : String(error);
      if (error instanceof ApiError && error.status === 404) {
        this.pause();
        this.status.value = { state: 'missing', message };
      } else await this.#lost(channel, stream, message);
    } finally {
      if (this.#overtaking === overtaking) this.#overtaking = undefined;
    }
  }

  #receive(update: PointsUpdate): void {
    this.#heardAt = Math.max(this.#heardAt, update.time);
    for (const point of update.points) {
      this.#fresh.set(point.address, point);
      this.#overtaking?.set(point.address, point);
      this.onPoint(point);
    }
    this.#paintTimer ??= setTimeout(() => this.#paint(), PAINT_EVERY_MS);
  }

  #paint(): void {
    this.#paintTimer = undefined;
    const fresh = this.#fresh;
    this.points.value = this.points.value.map((point) => fresh.get(point.address) ?? stillGood(point, this.#heardAt));
    fresh.clear();
  }

  /** The stream ended, or never began: says so and tries again after a while, each time later (with jitter). */
  async #lost(channel: number, stream: EventStream, message: string): Promise<void> {
    if (this.#stream !== stream) return;
    stream.close();
    this.#stream = undefined;
    this.status.value = { state: 'reconnecting', message };
    const delay = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.#retries) * (0.75 + Math.random() / 2);
    this.#retries += 1;
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#connect(channel), delay);
    await this.#findReason(channel);
  }

  /** A stream's error says nothing; a channel that does not exist is worth knowing and not worth trying again. */
  async #findReason(channel: number): Promise<void> {
    try {
      await this.#api.points(channel);
    } catch (error) {
      if (channel !== this.#channel || this.#stream !== undefined) return;
      if (!(error instanceof ApiError)) return;
      if (error.status === 404) clearTimeout(this.#retryTimer);
      this.status.value = { state: error.status === 404 ? 'missing' : 'reconnecting', message: error.message };
    }
  }
}

/** A good point with a deadband that a change leaves out has not moved: its value is as of that change. */
function stillGood(point: PointView, heardAt: number): PointView {
  const { quality, deadband = 0, time } = point;
  return quality === 'good' && deadband > 0 && time !== null && time < heardAt ? { ...point, time: heardAt } : point;
}
