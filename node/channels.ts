import { channelRef, type ChannelKind } from '../actors/channel.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { errorMessage } from '../errors/error.js';
import type { ChannelContext } from '../machines/channel.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import type { ChannelChange } from '../site/config/index.js';
import type { ChannelConfig } from '../site/model.js';
import { revisionOf, type SiteHolder } from './site-holder.js';

/** Channels that are brought to life at once. */
const WIDTH = 64;
const CONFIGURE_DEADLINE_MS = 30_000;

/** What the channels of a node need. */
export interface ChannelsParts {
  readonly system: ActorSystem;
  readonly kind: ChannelKind;
  readonly holder: SiteHolder;
  readonly realtime: RealtimeStore;
  /** Something about one channel did not succeed; it goes on with what it has. */
  readonly onTrouble: (channel: number, error: unknown) => void;
}

/** Brings the channels of the site to life and tells them what the configuration says, now and after each reload. */
export class Channels {
  readonly #parts: ChannelsParts;
  readonly #tablesMissing = new Set<number>();
  #stopped = false;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    await this.#forEach(this.#parts.holder.site.channels, (channel) => this.#bring(channel));
  }

  /** Begins with no further channel: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  /** After the holder has the new site. */
  async apply(changes: readonly ChannelChange[]): Promise<void> {
    await this.#forEach(changes, async (change) => {
      if (change.change === 'removed') await this.#remove(change.id);
      else await this.#bring(change.after);
    });
  }

  /** Writes the point tables again: the store has come back, perhaps empty. */
  async writeTables(): Promise<void> {
    await this.#forEach(this.#parts.holder.site.channels, (channel) => this.#writeTable(channel));
  }

  /** Whether some tables are not in the store. */
  get tablesMissing(): boolean {
    return this.#tablesMissing.size > 0;
  }

  async #bring(channel: ChannelConfig): Promise<void> {
    const { system, kind } = this.#parts;
    const to = channelRef(kind, channel.id);
    try {
      await this.#writeTable(channel);
      if (this.#stopped) return;
      await system.activate(to);
      const revision = revisionOf(channel);
      const known = system.inspect(to)?.context as ChannelContext | undefined;
      if (known?.revision === revision) return;
      await system.ask(
        to,
        { type: 'configure', revision, enabled: channel.enabled },
        { deadline: CONFIGURE_DEADLINE_MS },
      );
    } catch (error) {
      this.#trouble(channel.id, error);
    }
  }

  async #remove(channel: number): Promise<void> {
    const { system, kind } = this.#parts;
    const to = channelRef(kind, channel);
    try {
      // Disabled, so that a later return of the channel turns it on again.
      await system.ask(
        to,
        { type: 'configure', revision: 'removed', enabled: false },
        { deadline: CONFIGURE_DEADLINE_MS },
      );
      await system.retire(to);
      this.#tablesMissing.delete(channel);
    } catch (error) {
      this.#trouble(channel, error);
    }
  }

  async #writeTable(channel: ChannelConfig): Promise<void> {
    try {
      await this.#parts.realtime.setChannelConfig(channel);
      this.#tablesMissing.delete(channel.id);
    } catch (error) {
      if (!this.#tablesMissing.has(channel.id)) {
        this.#trouble(channel.id, new Error(`its tables: ${errorMessage(error)}`));
      }
      this.#tablesMissing.add(channel.id);
    }
  }

  #trouble(channel: number, error: unknown): void {
    if (!this.#stopped) this.#parts.onTrouble(channel, error);
  }

  async #forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    const queue = items.values();
    const worker = async (): Promise<void> => {
      for (const item of queue) {
        if (this.#stopped) return;
        await work(item);
      }
    };
    await Promise.all(Array.from({ length: Math.min(WIDTH, items.length) }, worker));
  }
}
