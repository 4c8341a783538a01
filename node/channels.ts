import { channelRef, type ChannelKind } from '../actors/channel.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
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
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
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
  readonly #firstOwned: Promise<void>;
  #owned: () => void = () => undefined;
  #stopped = false;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
    this.#firstOwned = new Promise((resolve) => {
      this.#owned = resolve;
    });
  }

  /** Resolves when the channels of the partitions that this node owns at first are alive. */
  async start(): Promise<void> {
    await this.writeTables();
    await this.#firstOwned;
  }

  /** The actors that are to live whenever their partition is owned. */
  refs(): Ref[] {
    return this.#parts.holder.site.channels.map(({ id }) => channelRef(this.#parts.kind, id));
  }

  /** After each change of the partitions that this node owns: the site may have changed while one was on its way. */
  async own(partitions: ReadonlySet<number>): Promise<void> {
    const { kind, holder, system } = this.#parts;
    const here = system().actors();
    const ids = here.flatMap((actor) => (actor.kind === kind.kind ? [Number(actor.id)] : []));
    const gone = ids.filter((id) => Number.isInteger(id) && holder.channel(id) === undefined);
    await Promise.all([
      this.#forEach(gone, (id) => this.#remove(id)),
      this.#forEach(holder.site.channels, (channel) => this.#configure(channel, partitions)),
    ]);
    if (partitions.size > 0) this.#owned();
  }

  /** Begins with no further channel: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
    this.#owned(); // Whoever waits for the first ones waits no longer.
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
    await this.#writeTable(channel);
    await this.#configure(channel, this.#parts.system().owned);
  }

  /** Tells a channel what the configuration says, if it lives here: the owner of its partition does it. */
  async #configure(channel: ChannelConfig, owned: ReadonlySet<number>): Promise<void> {
    const { kind } = this.#parts;
    const system = this.#parts.system();
    const to = channelRef(kind, channel.id);
    if (this.#stopped || !owned.has(partitionOf(to))) return;
    try {
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
    const { kind } = this.#parts;
    const system = this.#parts.system();
    const to = channelRef(kind, channel);
    this.#tablesMissing.delete(channel);
    // It may come back with another reload meanwhile.
    const isGone = (): boolean => this.#parts.holder.channel(channel) === undefined;
    if (!system.owned.has(partitionOf(to)) || !isGone()) return;
    try {
      // Disabled, so that a later return of the channel turns it on again.
      await system.ask(
        to,
        { type: 'configure', revision: 'removed', enabled: false },
        { deadline: CONFIGURE_DEADLINE_MS },
      );
      if (isGone()) await system.retire(to);
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
