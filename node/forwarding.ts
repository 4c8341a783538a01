import { createHash } from 'node:crypto';
import { forwarderRef, type ForwarderKind } from '../actors/forwarder.js';
import type { ForwarderConfiguration } from '../actors/forwarder/worker.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
import type { ForwarderContext } from '../machines/forwarder.js';
import { selectPoints, type Selection } from '../site/forwarding/selection.js';
import type { Site } from '../site/model.js';
import type { SiteHolder } from './site-holder.js';

const DEADLINE_MS = 30_000;

export interface ForwardingParts {
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
  readonly kind: () => ForwarderKind;
  readonly holder: SiteHolder;
  /** Something about one target did not succeed; it goes on with what it has. */
  readonly onTrouble: (forwarder: string, error: unknown) => void;
}

/** A target with what its actor is told. */
interface Configured extends ForwarderConfiguration {
  readonly revision: string;
}

/** Brings the forwarders of the site to life and tells them what the configuration says, now and after each reload. */
export class Forwarding {
  readonly #parts: ForwardingParts;
  #configured: ReadonlyMap<string, Configured>;
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: ForwardingParts) {
    this.#parts = parts;
    this.#configured = configure(parts.holder.site);
  }

  /** The configuration in force of one target. */
  config(id: string): ForwarderConfiguration | undefined {
    return this.#configured.get(id);
  }

  all(): readonly ForwarderConfiguration[] {
    return [...this.#configured.values()];
  }

  /** The actors that are to live whenever their partition is owned. */
  refs(): Ref[] {
    return [...this.#configured.keys()].map((id) => forwarderRef(this.#parts.kind(), id));
  }

  /** After each change of the partitions that this node owns: the site may have changed while one was on its way. */
  own(partitions: ReadonlySet<number>): Promise<void> {
    this.#working = this.#working.then(async () => {
      const { system, kind } = this.#parts;
      const here = system().actors();
      const ids = here.flatMap((actor) => (actor.kind === kind().kind ? [actor.id] : []));
      const gone = ids.filter((id) => !this.#configured.has(id));
      for (const id of gone) await this.#try(id, partitions, () => this.#remove(id));
      for (const id of this.#configured.keys()) await this.#try(id, partitions, () => this.#configure(id));
    });
    return this.#working;
  }

  /** After the holder has the new site: its channels count too, as points may have other names. */
  async apply(): Promise<void> {
    this.#configured = configure(this.#parts.holder.site);
    await this.own(this.#parts.system().owned);
  }

  /** Begins with no further target: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  async #configure(id: string): Promise<void> {
    const configured = this.#configured.get(id);
    if (configured === undefined) return;
    const system = this.#parts.system();
    const to = forwarderRef(this.#parts.kind(), id);
    await system.activate(to);
    const { revision, forwarder } = configured;
    const known = system.inspect(to)?.context as ForwarderContext | undefined;
    if (known?.revision === revision) return;
    const command = { type: 'configure', revision, enabled: forwarder.enabled } as const;
    await system.ask(to, command, { deadline: DEADLINE_MS });
  }

  /** Disabled, so that a later return of the target turns it on again. Its position stays. */
  async #remove(id: string): Promise<void> {
    const system = this.#parts.system();
    const to = forwarderRef(this.#parts.kind(), id);
    await system.ask(to, { type: 'configure', revision: 'removed', enabled: false }, { deadline: DEADLINE_MS });
    await system.retire(to);
  }

  /** For the owner of the target's partition only. */
  async #try(id: string, owned: ReadonlySet<number>, work: () => Promise<void>): Promise<void> {
    if (this.#stopped || !owned.has(partitionOf(forwarderRef(this.#parts.kind(), id)))) return;
    try {
      await work();
    } catch (error) {
      if (!this.#stopped) this.#parts.onTrouble(id, error);
    }
  }
}

function configure(site: Site): Map<string, Configured> {
  return new Map(
    site.forwarding.map((forwarder) => {
      const selection = selectPoints(forwarder, site);
      const text = JSON.stringify([forwarder, listed(selection)]);
      const revision = createHash('sha256').update(text).digest('hex').slice(0, 16);
      return [forwarder.id, { forwarder, selection, revision }];
    }),
  );
}

function listed({ channels, ...rest }: Selection): unknown {
  return [rest, [...channels.values()].map((points) => [...points.values()])];
}
