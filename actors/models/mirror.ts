import type { ModelDefinition } from '../../site/models/model.js';
import type { ModelAge, RealtimeStore, StoredModel, StoredModelValue } from '../../protocols/realtime/store.js';
import type { ModelValues } from './values.js';

const RETRY_MS = 1_000;

/** A model of this node. */
interface Known {
  /** undefined: it is to go. */
  readonly definition: ModelDefinition | undefined;
  readonly age: ModelAge;
  /** undefined: it cannot be made. */
  readonly values: ModelValues | undefined;
}

/** What of a model the store does not have yet. */
interface Waiting extends Known {
  /** The definition too, and all values. */
  whole: boolean;
  readonly slots: Set<number>;
}

/**
 * Keeps what readers of the realtime store see of models up to date: all that has changed since the last write, at once,
 * one write after the other. While the store is away it is asked again each second; what changes meanwhile is written
 * once, as it is then.
 */
export class ModelMirror {
  readonly #store: RealtimeStore;
  readonly #known = new Map<string, Known>();
  #waiting = new Map<string, Waiting>();
  /** undefined: the store has them. */
  #templates: readonly string[] | undefined;
  #writing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(store: RealtimeStore) {
    this.#store = store;
  }

  /** The model is this, with these values. */
  define(id: string, model: Known & { readonly definition: ModelDefinition }): void {
    this.#known.set(id, model);
    this.#waiting.set(id, { ...model, whole: true, slots: new Set() });
    this.#wake();
  }

  /** Points of a defined model, by their places in it, have new values. */
  changed(id: string, slots: readonly number[]): void {
    let waiting = this.#waiting.get(id);
    if (waiting === undefined) {
      const known = this.#known.get(id);
      if (known === undefined) return; // Its first values come with its definition.
      waiting = { ...known, whole: false, slots: new Set() };
      this.#waiting.set(id, waiting);
    }
    for (const slot of slots) waiting.slots.add(slot);
    this.#wake();
  }

  /** What models can be made of. */
  templates(ids: readonly string[]): void {
    this.#templates = ids;
    this.#wake();
  }

  /** Somebody else writes it from now on. */
  leave(id: string): void {
    this.#known.delete(id);
    this.#waiting.delete(id);
  }

  /** It is to go from the store. */
  drop(id: string, age: ModelAge): void {
    this.#known.delete(id);
    this.#waiting.set(id, { definition: undefined, age, values: undefined, whole: true, slots: new Set() });
    this.#wake();
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    await this.#writing;
    this.#closed = true;
    clearTimeout(this.#retry);
  }

  #wake(): void {
    if (this.#closed || this.#retry !== undefined) return;
    if (this.#isBehind()) this.#writing ??= this.#write();
  }

  #isBehind(): boolean {
    return this.#waiting.size > 0 || this.#templates !== undefined;
  }

  async #write(): Promise<void> {
    try {
      while (this.#isBehind() && (await this.#writeOnce()));
    } finally {
      this.#writing = undefined; // At once: what changes next wakes it again.
    }
  }

  /** False when the store is away. */
  async #writeOnce(): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve)); // Lets what comes with the same frames join.
    const batch = this.#waiting;
    const templates = this.#templates;
    this.#waiting = new Map();
    this.#templates = undefined;
    try {
      if (templates !== undefined) await this.#store.setTemplates(templates);
      await this.#store.setModels([...batch].map(([id, waiting]) => toStored(id, waiting)));
    } catch {
      // The store is away; its health says so.
      this.#templates ??= templates;
      for (const [id, waiting] of batch) {
        const newer = this.#waiting.get(id);
        if (newer === undefined) {
          if (waiting.definition === undefined || this.#known.has(id)) this.#waiting.set(id, waiting);
        } else if (!newer.whole) {
          newer.whole = waiting.whole;
          for (const slot of waiting.slots) newer.slots.add(slot);
        }
      }
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#wake();
      }, RETRY_MS);
      this.#retry.unref();
      return false;
    }
    return true;
  }
}

function toStored(id: string, { definition, age, values, whole, slots }: Waiting): StoredModel {
  if (definition === undefined) return { id, definition: null, age, values: [] };
  const wanted = whole ? (values?.model.points.keys() ?? []) : slots;
  const stored: StoredModelValue[] = [];
  if (values !== undefined) {
    for (const slot of wanted) {
      const point = values.model.points[slot];
      if (point !== undefined) stored.push({ point: point.name, kind: point.kind, ...values.at(slot) });
    }
  }
  if (!whole) return { id, values: stored };
  return { id, definition, age, points: values?.model.points ?? [], values: stored };
}
