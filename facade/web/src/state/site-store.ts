import { signal } from '@preact/signals';
import type { ChannelView, Health } from '../../../../actors/client/schemas.js';
import { ApiError, type Api } from '../api.js';

/**
 * Whether what the page shows is live. away: no answer (asked again and again); refusing: the server answers but cannot
 * tell its channels, and says why.
 */
export type Link =
  { state: 'connecting' } | { state: 'up' } | { state: 'away' | 'refusing'; since: number; message: string };

const CHANNELS_EVERY_MS = 2_000;
const HEALTH_EVERY_MS = 6_000;

/** The site as a whole: its channels and its health, asked at intervals while the page is seen. */
export class SiteStore {
  readonly channels = signal<readonly ChannelView[]>([]);
  readonly health = signal<Health | undefined>(undefined);
  readonly link = signal<Link>({ state: 'connecting' });
  readonly #api: Api;
  /** Whether the one who sits here may see channels; who may not is told of the server's health alone. */
  readonly #seesChannels: () => boolean;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #healthAt = 0;
  /** Rises with each start and stop, so that an answer to an earlier question starts no timer. */
  #run = 0;

  constructor(api: Api, seesChannels: () => boolean = () => true) {
    this.#api = api;
    this.#seesChannels = seesChannels;
  }

  start(): void {
    this.stop();
    void this.#cycle(this.#run);
  }

  stop(): void {
    this.#run += 1;
    clearTimeout(this.#timer);
  }

  /** Puts one channel's newer view in place without waiting for the next cycle. */
  put(channel: ChannelView): void {
    this.channels.value = this.channels.value.map((other) => (other.id === channel.id ? channel : other));
  }

  async #cycle(run: number): Promise<void> {
    await this.#refresh();
    if (run !== this.#run) return;
    this.#timer = setTimeout(() => void this.#cycle(run), CHANNELS_EVERY_MS);
  }

  async #refresh(): Promise<void> {
    try {
      const seesChannels = this.#seesChannels();
      if (seesChannels) this.channels.value = await this.#api.channels();
      if (!seesChannels || Date.now() - this.#healthAt >= HEALTH_EVERY_MS) {
        this.health.value = await this.#api.health();
        this.#healthAt = Date.now();
      }
      if (this.link.value.state !== 'up') this.link.value = { state: 'up' };
    } catch (error) {
      const state = error instanceof ApiError ? 'refusing' : 'away';
      const before = this.link.value;
      this.#healthAt = 0;
      this.link.value = {
        state,
        since: 'since' in before && before.state === state ? before.since : Date.now(),
        message: error instanceof Error ? error.message : String(error),
      };
    }
  }
}
