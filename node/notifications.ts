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
  #stopped = false;

  constructor(parts: NotificationsParts) {
    this.#parts = parts;
    this.#ids = idsOf(parts.holder.site.notifications);
  }

  /** The actors that are to live whenever their partition is owned. */
  refs(): Ref[] {
    return this.#ids.map((id) => notifierRef(this.#parts.kind, id));
  }

  /** After the holder has the new site. What a target that stays is told is read anew by its actor. */
  async apply(): Promise<void> {
    const before = this.#ids;
    this.#ids = idsOf(this.#parts.holder.site.notifications);
    for (const id of before) if (!this.#ids.includes(id)) await this.#try(id, () => this.#remove(id));
    for (const id of this.#ids) if (!before.includes(id)) await this.#try(id, () => this.#add(id));
  }

  /** Begins with no further target: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  /** The owner of its partition does it. */
  async #add(id: string): Promise<void> {
    const system = this.#parts.system();
    const to = notifierRef(this.#parts.kind, id);
    if (system.owned.has(partitionOf(to))) await system.activate(to);
  }

  /** What waits is forgotten, and a return of the target begins with what comes then. */
  async #remove(id: string): Promise<void> {
    const system = this.#parts.system();
    const to = notifierRef(this.#parts.kind, id);
    if (!system.owned.has(partitionOf(to))) return;
    await system.ask(to, { type: 'forget' }, { deadline: DEADLINE_MS });
    await system.retire(to);
  }

  async #try(id: string, work: () => Promise<void>): Promise<void> {
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
