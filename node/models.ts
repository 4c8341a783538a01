import { createHash } from 'node:crypto';
import { modelRef, type ModelKind } from '../actors/model.js';
import type { ModelHub } from '../actors/models/hub.js';
import type { ModelNumbers } from '../actors/models/numbers.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { partitionOf, type Ref } from '../bus/subjects.js';
import type { ModelContext } from '../machines/model.js';
import type { ModelDefinition } from '../site/models/model.js';
import type { Site } from '../site/model.js';
import type { SiteHolder } from './site-holder.js';

const CONFIGURE_DEADLINE_MS = 30_000;
const RETRY_MS = 500;

/** What the models of a node need. */
export interface ModelsParts {
  /** Known once it is made; nothing is asked of it before. */
  readonly system: () => ActorSystem;
  readonly kind: ModelKind;
  readonly hub: ModelHub;
  readonly holder: SiteHolder;
  readonly numbers: Pick<ModelNumbers, 'claimAll'>;
  /** Ids of the models that ever were. */
  readonly known: () => Promise<readonly string[]>;
  /** Something about one model did not succeed; it goes on with what it has. */
  readonly onTrouble: (model: string, error: unknown) => void;
}

/** Brings models to life, and tells those of the site file what it says, now and after each reload. */
export class Models {
  readonly #parts: ModelsParts;
  #working: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: ModelsParts) {
    this.#parts = parts;
  }

  /** The actors that are to live whenever their partition is owned: those of the site file, and those of callers. */
  async refs(): Promise<Ref[]> {
    const { holder, kind, known } = this.#parts;
    const ids = new Set([...holder.site.models.map(({ definition }) => definition.id), ...(await known())]);
    return [...ids].map((id) => modelRef(kind, id));
  }

  /** After each change of the partitions that this node owns. */
  own(partitions: ReadonlySet<number>): Promise<void> {
    this.#working = this.#working.then(() => this.#align(partitions));
    return this.#working;
  }

  /** Before the holder has a new site: no model of it is without its number. Waits while the bus is away. */
  async prepare({ models }: Pick<Site, 'models'>): Promise<void> {
    while (!this.#stopped) {
      try {
        return await this.#parts.numbers.claimAll(models.map(({ definition }) => definition.id));
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // The bus says itself that it is away.
      }
    }
  }

  /** After the holder has a new site: its channels and templates may be others too. */
  apply(): Promise<void> {
    this.#parts.hub.refresh();
    return this.own(this.#parts.system().owned);
  }

  /** Begins with no further model: the actors are about to be stopped. */
  stop(): void {
    this.#stopped = true;
  }

  async #align(owned: ReadonlySet<number>): Promise<void> {
    const { holder, kind } = this.#parts;
    const system = this.#parts.system();
    const wanted = new Set<string>();
    for (const { definition } of holder.site.models) {
      wanted.add(definition.id);
      await this.#try(definition.id, owned, () => this.#configure(definition));
    }
    for (const { id } of system.actors().filter((actor) => actor.kind === kind.kind && !wanted.has(actor.id))) {
      await this.#try(id, owned, () => this.#tidy(id));
    }
  }

  async #configure(definition: ModelDefinition): Promise<void> {
    const { kind } = this.#parts;
    const system = this.#parts.system();
    const to = modelRef(kind, definition.id);
    await system.activate(to);
    const revision = createHash('sha256').update(JSON.stringify(definition)).digest('hex').slice(0, 16);
    const context = system.inspect(to)?.context as ModelContext | undefined;
    if (context?.revision === revision) return;
    await system.ask(to, { type: 'configure', definition, revision }, { deadline: CONFIGURE_DEADLINE_MS });
  }

  /** A model that the site file no longer has goes; one that is gone needs no actor. */
  async #tidy(id: string): Promise<void> {
    const { kind } = this.#parts;
    const system = this.#parts.system();
    const to = modelRef(kind, id);
    const context = system.inspect(to)?.context as ModelContext | undefined;
    if (context === undefined || context.source === 'caller') return;
    if (context.source === 'site') {
      await system.ask(to, { type: 'remove', source: 'site' }, { deadline: CONFIGURE_DEADLINE_MS });
    }
    await system.retire(to);
  }

  /** For the owner of the model's partition only. */
  async #try(id: string, owned: ReadonlySet<number>, work: () => Promise<void>): Promise<void> {
    if (this.#stopped || !owned.has(partitionOf(modelRef(this.#parts.kind, id)))) return;
    try {
      await work();
    } catch (error) {
      if (!this.#stopped) this.#parts.onTrouble(id, error);
    }
  }
}
