import { meterRef, type MeterKind } from '../actors/meter.js';
import { meterFeedRef, type MeterFeedKind } from '../actors/meter-feed.js';
import type { MeterFeedParts } from '../actors/meter/feed-worker.js';
import { meterIdOf } from '../actors/meter/meter-id.js';
import { tellReading } from '../actors/meter/reading-event.js';
import type { FrameRouter } from '../actors/rule/frame-router.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import type { Bus } from '../bus/connection.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
import type { MeterFeedContext } from '../machines/meter-feed.js';
import type { SiteMeter } from '../site/metering/site-meter.js';
import { readingLimits, type Tokenization } from '../site/metering/tokenization.js';
import type { SiteHolder } from './site-holder.js';

const DEADLINE_MS = 30_000;

/** What the feeds of a node do with what they see: they ask the meters, wherever those live. */
export function meterFeedParts(
  frames: FrameRouter,
  bus: Bus,
  kind: MeterKind,
  system: () => ActorSystem,
  tokenization: () => Tokenization,
): MeterFeedParts {
  return {
    frames,
    describe: (meter) => system().ask(meterRef(kind, meter), { type: 'describe' }),
    count: (meter, end, register, estimated) =>
      system().ask(meterRef(kind, meter), {
        ...{ type: 'count' as const, end, register, ...(estimated ? { estimated } : {}) },
        ...{ limits: readingLimits(tokenization()), receivedAt: Date.now() },
      }),
    replace: async (meter, from, to, seen) => {
      await system().ask(meterRef(kind, meter), { type: 'replace', from, to, seen });
    },
    told: ({ meter, verdict, energy }) => {
      if (verdict === null || energy === null || meter.last === null) return;
      tellReading(bus, { ...verdict, meter: meter.id, end: verdict.sequence, energy: BigInt(energy) }, meter);
    },
  };
}

export interface MeterFeedsParts {
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
  readonly kind: MeterFeedKind;
  readonly meterKind: MeterKind;
  readonly holder: SiteHolder;
  /** Ids of the feeds that ever were. */
  readonly known: () => Promise<readonly string[]>;
  /** Something about one meter did not succeed; it goes on with what it has. */
  readonly onTrouble: (meter: string, error: unknown) => void;
}

/** Brings feeds of meters to life, and tells the meters of the site file what it says, now and after each reload. */
export class MeterFeeds {
  readonly #parts: MeterFeedsParts;
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: MeterFeedsParts) {
    this.#parts = parts;
  }

  /** The actors that are to live whenever their partition is owned. */
  async refs(): Promise<Ref[]> {
    return (await this.#parts.known()).map((id) => meterFeedRef(this.#parts.kind, meterIdOf(id)));
  }

  /** After each change of the partitions that this node owns: who owns a meter's feed tells the meter. */
  own(partitions: ReadonlySet<number>): Promise<void> {
    this.#working = this.#working.then(() => this.#align(partitions));
    return this.#working;
  }

  /** After the holder has the new site. */
  apply(): Promise<void> {
    return this.own(this.#parts.system().owned);
  }

  /** Tells no further meter: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  async #align(owned: ReadonlySet<number>): Promise<void> {
    const { kind, holder, system } = this.#parts;
    const meters = holder.site.meters ?? [];
    const wanted = new Set(meters.map(({ id }) => id));
    for (const meter of meters) {
      if (owned.has(partitionOf(meterFeedRef(kind, meter.id)))) await this.#try(meter.id, () => this.#configure(meter));
    }
    for (const actor of system().actors()) {
      if (actor.kind !== kind.kind) continue;
      const id = meterIdOf(actor.id);
      if (!wanted.has(id)) await this.#try(id, () => this.#detach(id));
    }
  }

  async #configure({ id, source, wallet, user }: SiteMeter): Promise<void> {
    const { system, meterKind } = this.#parts;
    const command = { type: 'configure', source, wallet, user } as const;
    await system().ask(meterRef(meterKind, id), command, { deadline: DEADLINE_MS });
  }

  /** A meter that the site file no longer has is read no longer. */
  async #detach(id: string): Promise<void> {
    const { system, kind, meterKind } = this.#parts;
    const context = system().inspect(meterFeedRef(kind, id))?.context as MeterFeedContext | undefined;
    if (context?.bySite !== true || context.source === null) return;
    await system().ask(meterRef(meterKind, id), { type: 'detach' }, { deadline: DEADLINE_MS });
  }

  async #try(id: string, work: () => Promise<void>): Promise<void> {
    if (this.#stopped) return;
    try {
      await work();
    } catch (error) {
      if (!this.#stopped) this.#parts.onTrouble(id, error);
    }
  }
}
