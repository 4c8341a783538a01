import type { HeldValue } from '../../machines/model.js';
import { modelParts } from '../../site/config/index.js';
import { buildModel, type ModelParts } from '../../site/models/build.js';
import type { ModelDefinition } from '../../site/models/model.js';
import type { ModelOrigin } from '../../site/models/template.js';
import type { Site } from '../../site/model.js';
import type { Frame } from '../../site/points.js';
import type { ModelAge, RealtimeStore } from '../../protocols/realtime/store.js';
import type { LiveFeed } from '../projections/live-feed.js';
import { ModelMirror } from './mirror.js';
import { BEAT_MS, ModelRecord, type RecordParts } from './record.js';
import { ModelValues } from './values.js';

/** What the models of a node need of it. */
export interface ModelHubParts {
  /** The configuration in force. */
  readonly site: () => Site;
  readonly feed: LiveFeed;
  readonly realtime: RealtimeStore;
  /** Tells those who watch the model that it is another one, or holds another value. */
  readonly announce?: (id: string) => void;
  /** How what models hold and compute is told; absent: it is not. */
  readonly record?: RecordParts;
}

/** What a model is, as its actor knows it. */
export interface UsedModel {
  readonly definition: ModelDefinition;
  readonly held: Readonly<Record<string, HeldValue>>;
  readonly age: ModelAge;
}

/** A model that lives on this node. */
interface Member {
  readonly id: string;
  readonly definition: ModelDefinition;
  readonly age: ModelAge;
  held: Readonly<Record<string, HeldValue>>;
  /** undefined while it cannot be made: `problem` says why. */
  values: ModelValues | undefined;
  problem: string | null;
}

/** The models of one node: makes them of the configuration in force, and gives each the frames of its channels. */
export class ModelHub {
  readonly #parts: ModelHubParts;
  readonly #mirror: ModelMirror;
  readonly #members = new Map<string, Member>();
  readonly #listeners = new Map<number, Set<Member>>();
  readonly #records = new Map<string, ModelRecord>();
  readonly #endWatch: () => void;
  readonly #beats: NodeJS.Timeout | undefined;

  constructor(parts: ModelHubParts) {
    this.#parts = parts;
    this.#mirror = new ModelMirror(parts.realtime);
    this.#endWatch = parts.feed.watch((frame) => this.#apply(frame));
    if (parts.record !== undefined) this.#beats = setInterval(() => this.#beat(), BEAT_MS).unref();
    this.#showTemplates();
  }

  /** Takes a model as it is now, or in the place of what it was. `epoch` is that of its actor's activation. */
  use(id: string, epoch: number, { definition, held, age }: UsedModel): void {
    this.#forget(id);
    this.#openRecord(id, epoch);
    const member: Member = { id, definition, age, held, values: undefined, problem: null };
    this.#members.set(id, member);
    this.#make(member, this.#siteParts());
    this.#parts.announce?.(id);
  }

  /** A point without a mapping was set. */
  hold(id: string, point: string, held: HeldValue): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    member.held = { ...member.held, [point]: held };
    const changed = member.values?.hold(point, held) ?? [];
    if (changed.length > 0) {
      this.#mirror.changed(id, changed);
      this.#records.get(id)?.changed(changed, held.at);
    }
    this.#parts.announce?.(id);
  }

  /** The model lives elsewhere now; what readers have of it stays. Resolves when what was told of it is on its way. */
  async leave(id: string): Promise<void> {
    this.#forget(id);
    const record = this.#records.get(id);
    this.#records.delete(id);
    await record?.close();
  }

  #forget(id: string): void {
    const member = this.#members.get(id);
    if (member === undefined) return;
    this.#unlisten(member);
    this.#members.delete(id);
    this.#mirror.leave(id);
  }

  /** There is no such model any more. */
  drop(id: string, age: ModelAge): void {
    this.#forget(id);
    // When it is made again in this activation, it goes on where its numbering was.
    this.#records.get(id)?.use(undefined);
    this.#mirror.drop(id, age);
    this.#parts.announce?.(id);
  }

  /** Why a model of this node cannot be made; null when it is. */
  problem(id: string): string | null {
    return this.#members.get(id)?.problem ?? null;
  }

  /** The configuration has changed: every model is made anew of it. */
  refresh(): void {
    this.#showTemplates();
    const parts = this.#siteParts();
    for (const member of this.#members.values()) {
      this.#unlisten(member);
      this.#make(member, parts);
    }
  }

  /** The realtime store has come back, perhaps empty. */
  storeBack(): void {
    this.#showTemplates();
    for (const member of this.#members.values()) void this.#fill(member);
  }

  /** Ends the watching of frames; what is to be written is written first if the store takes it. */
  async close(): Promise<void> {
    this.#endWatch();
    clearInterval(this.#beats);
    await this.#mirror.close();
  }

  #showTemplates(): void {
    this.#mirror.templates(this.#parts.site().templates.map(({ id }) => id));
  }

  #siteParts(): ModelParts {
    const { templates, channels } = this.#parts.site();
    return modelParts(templates, channels);
  }

  #make(member: Member, parts: ModelParts): void {
    const problems: string[] = [];
    const model = buildModel(member.definition, parts, collect(problems));
    member.problem = model === undefined ? problems.join('; ') : null;
    member.values = model && new ModelValues(model, member.held);
    this.#records.get(member.id)?.use(member.values);
    for (const channel of member.values?.channels ?? []) {
      let listeners = this.#listeners.get(channel);
      if (listeners === undefined) this.#listeners.set(channel, (listeners = new Set()));
      listeners.add(member);
    }
    void this.#fill(member);
  }

  /** Takes what the channels have said before; frames that come meanwhile are newer and stay. Never rejects. */
  async #fill(member: Member): Promise<void> {
    const { id, definition, age, values } = member;
    try {
      for (const channel of values?.channels ?? []) values?.applyStored(await this.#parts.realtime.read(channel));
    } catch {
      // The store is away; `storeBack` follows when it is there again.
    }
    if (this.#members.get(id) !== member || member.values !== values) return;
    this.#mirror.define(id, { definition, age, values });
    this.#records.get(id)?.beat(Date.now());
  }

  #unlisten(member: Member): void {
    for (const channel of member.values?.channels ?? []) {
      const listeners = this.#listeners.get(channel);
      listeners?.delete(member);
      if (listeners?.size === 0) this.#listeners.delete(channel);
    }
  }

  #apply(frame: Frame): void {
    const listeners = this.#listeners.get(frame.channel);
    if (listeners === undefined) return;
    for (const { id, values } of listeners) {
      const changed = values?.applyFrame(frame) ?? [];
      if (changed.length === 0) continue;
      this.#mirror.changed(id, changed);
      this.#records.get(id)?.changed(changed, frame.time);
    }
  }

  #openRecord(id: string, epoch: number): void {
    const { record } = this.#parts;
    const known = this.#records.get(id);
    if (record === undefined || known?.epoch === epoch) return;
    void known?.close();
    this.#records.set(id, new ModelRecord(id, epoch, record));
  }

  #beat(): void {
    const now = Date.now();
    for (const record of this.#records.values()) record.beat(now);
  }
}

/** Collects what is reported, as sentences. */
export function collect(problems: string[], path = ''): ModelOrigin {
  const join = (...steps: readonly (string | number)[]): string =>
    steps.reduce<string>(
      (text, step) =>
        typeof step === 'number' ? `${text}[${step}]` : step === '' ? text : text === '' ? step : `${text}.${step}`,
      path,
    );
  return {
    at: (...steps) => collect(problems, join(...steps)),
    report: (field, found, allowed, why) =>
      problems.push(`${join(field)}: ${why ?? `found ${found}, allowed ${allowed}`}`),
  };
}
