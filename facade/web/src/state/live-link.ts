import { signal } from '@preact/signals';
import { ApiError } from '../api.js';
import type { EventStream, OpenStream } from './points-store.js';

/** reconnecting: what is shown is of before, and it is tried again; missing: there is no such thing. */
export type LinkStatus =
  { state: 'idle' | 'loading' | 'live' } | { state: 'reconnecting' | 'missing'; message: string };

export interface LiveLinkParts {
  readonly open: OpenStream;
  readonly url: () => string;
  /** Reads the state before, once changes are heard, so that none falls between the two. */
  readonly load: () => Promise<void>;
  readonly receive: (data: string) => void;
}

const RETRY_FIRST_MS = 500;
const RETRY_MOST_MS = 10_000;

/** An event stream that is opened again by itself, each time later; each time the state before is read anew. */
export class LiveLink {
  readonly status = signal<LinkStatus>({ state: 'idle' });
  readonly #parts: LiveLinkParts;
  #stream: EventStream | undefined;
  #retries = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: LiveLinkParts) {
    this.#parts = parts;
  }

  /** Opens the stream (again), at once. */
  start(): void {
    this.stop();
    this.#retries = 0;
    this.status.value = { state: 'loading' };
    this.#connect();
  }

  /** Closes it; what was read stays. */
  stop(): void {
    this.#stream?.close();
    this.#stream = undefined;
    clearTimeout(this.#timer);
    this.status.value = { state: 'idle' };
  }

  #connect(): void {
    const { open, url, receive } = this.#parts;
    const stream = open(url(), {
      opened: () => void this.#load(stream),
      message: (data) => {
        if (this.#stream === stream) receive(data);
      },
      lost: () => void this.#lost(stream),
    });
    this.#stream = stream;
  }

  async #load(stream: EventStream): Promise<void> {
    try {
      await this.#parts.load();
      if (this.#stream !== stream) return;
      this.status.value = { state: 'live' };
      this.#retries = 0;
    } catch (error) {
      if (this.#stream === stream) this.#retry(error);
    }
  }

  /** A stream's error says nothing; the list that goes with it says why. */
  async #lost(stream: EventStream): Promise<void> {
    if (this.#stream !== stream) return;
    this.#retry(new Error('the live stream was lost'));
    try {
      await this.#parts.load();
    } catch (error) {
      if (this.#stream !== undefined || !(error instanceof ApiError)) return;
      if (this.status.value.state === 'reconnecting') this.#tell(error);
    }
  }

  #retry(error: unknown): void {
    this.#stream?.close();
    this.#stream = undefined;
    this.#tell(error);
    if (this.status.value.state === 'missing') return;
    const delay = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** this.#retries) * (0.75 + Math.random() / 2);
    this.#retries += 1;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(), delay);
  }

  #tell(error: unknown): void {
    const isMissing = error instanceof ApiError && error.status === 404;
    if (isMissing) clearTimeout(this.#timer);
    this.status.value = {
      state: isMissing ? 'missing' : 'reconnecting',
      message: error instanceof Error ? error.message : String(error),
    };
  }
}
