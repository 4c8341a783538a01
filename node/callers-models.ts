import type { Subscription } from '@nats-io/transport-node';
import { collect } from '../actors/models/hub.js';
import type { ModelNumbers } from '../actors/models/numbers.js';
import type { Bus } from '../bus/connection.js';
import { subjects } from '../bus/subjects.js';
import { StatewattError } from '../errors/error.js';
import { modelParts } from '../site/config/index.js';
import { buildModel } from '../site/models/build.js';
import type { Model, ModelDefinition } from '../site/models/model.js';
import type { Site } from '../site/model.js';
import type { SiteHolder } from './site-holder.js';

const RETRY_MS = 500;
/** Who asks for models that are on their way to another node waits so long. */
const PATIENCE_MS = 5_000;
/** A model that is set again and again is not read more often. */
const LEAST_PAUSE_MS = 200;
/** What was told while somebody was not connected is found by looking again. */
const LOOK_MS = 60_000;

export interface CallersModelsParts {
  readonly bus: Pick<Bus, 'nats' | 'onStatus'>;
  readonly holder: Pick<SiteHolder, 'site' | 'model'>;
  readonly numbers: Pick<ModelNumbers, 'claim'>;
  /** What a model is, as its actor says; null: there is none; undefined: nobody can say now. */
  readonly look: (id: string) => Promise<ModelDefinition | null | undefined>;
}

interface Followed {
  readonly id: string;
  readonly listeners: Set<() => void>;
  readonly hints: Subscription;
  /** undefined: not known yet, or one of the site file. */
  definition: ModelDefinition | null | undefined;
  /** What was made of it, and for which site. */
  made: { readonly of: Site; readonly model: Model | undefined } | undefined;
  reading: Promise<void> | undefined;
  again: boolean;
  retry: NodeJS.Timeout | undefined;
}

/**
 * The models of callers that rules of this node name, as they are now. Each is followed as long as somebody names it: the
 * node where it lives tells that it is another one. Models of the site file are left to the site.
 */
export class CallersModels {
  readonly #parts: CallersModelsParts;
  readonly #followed = new Map<string, Followed>();
  readonly #endStatus: () => void;
  readonly #looks: NodeJS.Timeout;

  constructor(parts: CallersModelsParts) {
    this.#parts = parts;
    this.#endStatus = parts.bus.onStatus((status) => {
      if (status === 'connected') this.lookAgain();
    });
    this.#looks = setInterval(() => this.lookAgain(), LOOK_MS).unref();
  }

  /** A model that somebody follows; undefined: there is none, or it is not known yet, or cannot be made. */
  readonly find = (id: string): Model | undefined => {
    const followed = this.#followed.get(id);
    if (followed?.definition === undefined || followed.definition === null) return undefined;
    const { site } = this.#parts.holder;
    if (followed.made?.of !== site) {
      const parts = modelParts(site.templates, site.channels);
      followed.made = { of: site, model: buildModel(followed.definition, parts, collect([])) };
    }
    return followed.made.model;
  };

  /** Follows models; `changed` is called when one of them is another one. Answers a function that ends it. */
  follow(ids: readonly string[], changed: () => void): () => void {
    const listener = () => changed(); // Each call its own.
    const unique = [...new Set(ids)];
    for (const id of unique) this.#take(id).listeners.add(listener);
    return () => {
      for (const id of unique) this.#leave(id, listener);
    };
  }

  /**
   * Does work with these models as they are now.
   *
   * @param must false: one that cannot be read is as if there were none
   * @throws `models.moving` when one of them cannot be read; what reading them throws
   */
  async during<T>(ids: readonly string[], work: () => T | Promise<T>, must = true): Promise<T> {
    const end = this.follow(ids, () => undefined);
    try {
      const until = Date.now() + (must ? PATIENCE_MS : 0);
      const known = [...new Set(ids)].map((id) => this.#know(this.#take(id), until));
      if (must) await Promise.all(known);
      else await Promise.allSettled(known);
      return await work();
    } finally {
      end();
    }
  }

  /** What is known may be old. */
  lookAgain(): void {
    for (const followed of this.#followed.values()) this.#read(followed);
  }

  close(): void {
    this.#endStatus();
    clearInterval(this.#looks);
    for (const { id, listeners } of this.#followed.values()) for (const each of listeners) this.#leave(id, each);
  }

  #take(id: string): Followed {
    const known = this.#followed.get(id);
    if (known !== undefined) return known;
    const followed: Followed = {
      id,
      listeners: new Set(),
      hints: this.#parts.bus.nats.subscribe(subjects.modelChanged(id), { callback: () => this.#read(followed) }),
      definition: undefined,
      made: undefined,
      reading: undefined,
      again: false,
      retry: undefined,
    };
    this.#followed.set(id, followed);
    this.#read(followed);
    return followed;
  }

  #leave(id: string, listener: () => void): void {
    const followed = this.#followed.get(id);
    if (followed === undefined) return;
    followed.listeners.delete(listener);
    if (followed.listeners.size > 0) return;
    this.#followed.delete(id);
    clearTimeout(followed.retry);
    if (!this.#parts.bus.nats.isClosed()) followed.hints.unsubscribe();
  }

  /** As it is now: what is being read may have been asked for before. */
  async #know(followed: Followed, until: number): Promise<void> {
    await followed.reading?.catch(() => undefined);
    if (this.#parts.holder.model(followed.id) !== undefined) return;
    while (!(await this.#readOnce(followed))) {
      if (Date.now() > until) {
        const text = `the model ${followed.id} is on its way to another node; try again`;
        throw new StatewattError('models.moving', 'unavailable', text, { retryAfterMs: RETRY_MS });
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }

  #read(followed: Followed): void {
    if (followed.reading !== undefined) {
      followed.again = true;
      return;
    }
    clearTimeout(followed.retry);
    followed.reading = this.#readOnce(followed).then(
      (known) => this.#afterwards(followed, known),
      () => this.#afterwards(followed, false), // The bus says itself that it is away.
    );
  }

  #afterwards(followed: Followed, known: boolean): void {
    followed.reading = undefined;
    const again = followed.again || !known;
    followed.again = false;
    if (!again || this.#followed.get(followed.id) !== followed) return;
    followed.retry = setTimeout(() => this.#read(followed), known ? LEAST_PAUSE_MS : RETRY_MS).unref();
  }

  /** False: nobody can say now. */
  async #readOnce(followed: Followed): Promise<boolean> {
    const { holder, numbers, look } = this.#parts;
    if (holder.model(followed.id) !== undefined) return true;
    const definition = await look(followed.id);
    if (definition === undefined) return false;
    if (definition !== null) await numbers.claim(followed.id); // Rules need it at once.
    if (followed.definition !== undefined && JSON.stringify(definition) === JSON.stringify(followed.definition)) {
      return true;
    }
    followed.definition = definition;
    followed.made = undefined;
    for (const listener of [...followed.listeners]) listener();
    return true;
  }
}

const NAMED = /model:([A-Za-z0-9_-]{1,64}):|"model":"([A-Za-z0-9_-]{1,64})"/g;

/** Ids of the models that a rule names, in its expression and its actions. */
export function modelsNamedIn(rule: unknown): string[] {
  return [...JSON.stringify(rule).matchAll(NAMED)].map(([, address, field]) => (address ?? field) as string);
}
