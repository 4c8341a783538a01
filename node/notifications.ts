import { notifierRef, type NotifierKind } from '../actors/notifier.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
import type { NotificationTarget } from '../site/notifications/target.js';
import type { SiteHolder } from './site-holder.js';

const DEADLINE_MS = 30_000;

export interface NotificationsParts {
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
  readonly kind: NotifierKind;
  readonly holder: SiteHolder;
  /** Something about one target did not succeed. */
  readonly onTrouble: (target: string, error: unknown) => void;
}

/** Brings the site's targets of notifications to life, now and after each reload. */
export class Notifications {
  readonly #parts: NotificationsParts;
  #ids: readonly string[];
  /** Targets that the site had and has not any more. */
  readonly #gone = new Set<string>();
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
    this.#ids = idsOf(parts.holder.site.notifications);
  }

  /** The actors that are to live whenever their partition is owned. */
  refs(): Ref[] {
    return this.#ids.map((id) => notifierRef(this.#parts.kind, id));
  }

  /** After each change of the partitions that this node owns: the site may have changed while one was on its way. */
  own(partitions: ReadonlySet<number>): Promise<void> {
    this.#working = this.#working.then(async () => {
      const system = this.#parts.system();
      const living = [...this.#gone].filter((id) => system.inspect(notifierRef(this.#parts.kind, id)) !== undefined);
      for (const id of living) await this.#try(id, partitions, () => this.#remove(id));
      for (const id of this.#ids) await this.#try(id, partitions, () => this.#add(id));
    });
    return this.#working;
  }

  /** After the holder has the new site. What a target that stays is told is read anew by its actor. */
  async apply(): Promise<void> {
    const before = this.#ids;
    this.#ids = idsOf(this.#parts.holder.site.notifications);
    for (const id of before) this.#gone.add(id);
    for (const id of this.#ids) this.#gone.delete(id);
    await this.own(this.#parts.system().owned);
  }

  /** Begins with no further target: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  async #add(id: string): Promise<void> {
    await this.#parts.system().activate(notifierRef(this.#parts.kind, id));
  }

  /** What waits is forgotten, and a return of the target begins with what comes then. */
  async #remove(id: string): Promise<void> {
    const system = this.#parts.system();
    const to = notifierRef(this.#parts.kind, id);
    await system.ask(to, { type: 'forget' }, { deadline: DEADLINE_MS });
    await system.retire(to);
  }

  /** For the owner of the target's partition only. */
  async #try(id: string, owned: ReadonlySet<number>, work: () => Promise<void>): Promise<void> {
    if (this.#stopped || !owned.has(partitionOf(notifierRef(this.#parts.kind, id)))) return;
    try {
      await work();
    } catch (error) {
      if (!this.#stopped) this.#parts.onTrouble(id, error);
    }
  }
}

function idsOf(targets: readonly NotificationTarget[]): readonly string[] {
  return targets.map(({ id }) => id);
}
