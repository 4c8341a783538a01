import { randomUUID } from 'node:crypto';
import type { Mapping, Mappings, MappingsClient, MappingView } from '../actors/client/history-mappings.js';
import { historyMappingRef } from '../actors/history-mapping.js';
import { collect } from '../actors/models/hub.js';
import type { KnownMapping, KnownMappings } from '../actors/projections/known-mappings.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import { buildStorageRule, type MappingDefinition } from '../site/history/definition.js';
import type { StorageRule } from '../site/history/mapping.js';
import type { Site } from '../site/model.js';
import type { SiteHolder } from './site-holder.js';

const MAX_MAPPINGS = 500;
/** A change is known here within moments; who has made it waits so long at most. */
const PATIENCE_MS = 2_000;

/** The mappings in force, and those of callers as a node changes them. */
export class HistoryMappings implements MappingsClient {
  readonly #system: Pick<ActorSystem, 'ask'>;
  readonly #known: KnownMappings;
  readonly #holder: SiteHolder;

  constructor(system: Pick<ActorSystem, 'ask'>, known: KnownMappings, holder: SiteHolder) {
    this.#system = system;
    this.#known = known;
    this.#holder = holder;
  }

  mappings(): Promise<Mappings> {
    const ofSite = (this.#holder.site.history.mapping ?? []).map(({ definition }): MappingView => {
      return { id: null, ...(definition as Mapping), definedBy: 'site', updatedAt: null, problem: null };
    });
    const ofCallers = sorted(this.#known.all).map(([id, mapping]) => this.#view(id, mapping));
    return Promise.resolve({ mappings: [...ofSite, ...ofCallers] });
  }

  /** `commandId` makes a repetition change nothing. */
  async putMapping(id: string, definition: Mapping, commandId: string = randomUUID()): Promise<MappingView> {
    const { problem } = build(definition, this.#holder.site);
    if (problem !== null) {
      const text = `the mapping ${id} cannot be: ${problem}`;
      throw new StatewattError('history.invalid_mapping', 'invalid', text);
    }
    if (!this.#known.all.has(id) && this.#known.all.size >= MAX_MAPPINGS) {
      const text = `there are ${MAX_MAPPINGS} mappings; that is all that is allowed`;
      throw new StatewattError('history.too_many_mappings', 'conflict', text);
    }
    const command = { type: 'put', definition } as const;
    const { updatedAt } = await this.#after(commandId, () =>
      this.#system.ask(historyMappingRef(id), command, { commandId }),
    );
    return this.#view(id, { definition, updatedAt });
  }

  async removeMapping(id: string, commandId: string = randomUUID()): Promise<void> {
    await this.#after(commandId, () => this.#system.ask(historyMappingRef(id), { type: 'remove' }, { commandId }));
  }

  #after<T>(commandId: string, send: () => Promise<T>): Promise<T> {
    return this.#known.after(commandId, send, PATIENCE_MS);
  }

  #view(id: string, { definition, updatedAt }: KnownMapping): MappingView {
    const { problem } = build(definition, this.#holder.site);
    return { id, ...(definition as Mapping), definedBy: 'caller', updatedAt, problem };
  }
}

/** What callers have added, as far as it is right for the site, in the order in which it counts. */
export function rulesOfCallers(known: ReadonlyMap<string, KnownMapping>, site: Site): StorageRule[] {
  return sorted(known).flatMap(([id, { definition }]) => {
    const { rule } = build(definition, site);
    return rule === undefined ? [] : [{ id, ...rule }];
  });
}

function build(definition: MappingDefinition, site: Site): { rule: StorageRule | undefined; problem: string | null } {
  const problems: string[] = [];
  const rule = buildStorageRule(definition, site, collect(problems));
  return { rule, problem: rule === undefined ? problems.join('; ') : null };
}

function sorted(known: ReadonlyMap<string, KnownMapping>): (readonly [string, KnownMapping])[] {
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1));
}
