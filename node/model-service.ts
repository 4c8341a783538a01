import { randomUUID } from 'node:crypto';
import type {
  ModelDetail,
  ModelPointView,
  ModelUpdate,
  ModelView,
  ModelWrite,
  NewModel,
  TemplateView,
} from '../actors/client/model-schemas.js';
import type { SeriesPoint } from '../actors/client/archive-schemas.js';
import type { PointView, WriteReply, WriteRequest } from '../actors/client/schemas.js';
import { ageOf, modelRef, type ModelKind, type ModelLive } from '../actors/model.js';
import { collect } from '../actors/models/hub.js';
import type { ModelNumbers } from '../actors/models/numbers.js';
import { ModelValues, type ModelValue } from '../actors/models/values.js';
import type { ActorState } from '../actors/runtime/host.js';
import type { CommandOf } from '../actors/runtime/kind.js';
import type { ActorSystem } from '../actors/runtime/system.js';
import { StatewattError } from '../errors/error.js';
import type { ModelContext } from '../machines/model.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import { modelParts } from '../site/config/index.js';
import { nearest } from '../site/config/problems.js';
import { buildModel, type ModelParts } from '../site/models/build.js';
import { formatModelAddress, type ModelAddress } from '../site/models/address.js';
import { isPartOfItself } from '../site/models/hierarchy.js';
import {
  fromChannel,
  isWritable,
  toChannel,
  type Model,
  type ModelDefinition,
  type ModelPoint,
} from '../site/models/model.js';
import { storedId } from '../site/models/stored-address.js';
import type { Site } from '../site/model.js';
import { formatPointAddress, type PointKind } from '../site/points.js';
import type { StoredModelPoint } from './archive-points.js';
import { crashOf, refuseUnread } from './crash-of.js';
import type { SiteHolder } from './site-holder.js';
import { checkedValue } from './write-value.js';

export interface ModelServiceParts {
  readonly system: ActorSystem;
  readonly modelKind: ModelKind;
  readonly holder: SiteHolder;
  readonly numbers: Pick<ModelNumbers, 'claim'>;
  readonly realtime: RealtimeStore;
  /** Writes a channel's point, with its limits. */
  write(request: WriteRequest): Promise<WriteReply>;
}

type Defined = ModelContext & { readonly definition: ModelDefinition };

/** What callers can ask of models: the part of the public client that is about them. */
export class ModelService {
  readonly #parts: ModelServiceParts;
  #made: { readonly site: Site; readonly parts: ModelParts } | undefined;

  constructor(parts: ModelServiceParts) {
    this.#parts = parts;
  }

  templates(): TemplateView[] {
    return this.#parts.holder.site.templates.map(({ parameters, points, ...facts }) => ({
      ...facts,
      parameters: parameters.map(({ choices, ...rest }) => (choices ? { ...rest, choices: [...choices] } : rest)),
      points: points.map(({ name }) => name),
    }));
  }

  async models(): Promise<ModelView[]> {
    const actors = await this.#parts.system.list('model');
    return actors
      .flatMap((actor) => (isDefined(actor.context) ? [this.#view(actor.context, actor)] : []))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async model(id: string): Promise<ModelDetail> {
    const { context, actor } = await this.#look(id);
    const values = await this.#values(context);
    const points = values?.model.points.map((point, slot) => viewPoint(point, values.at(slot))) ?? [];
    return { model: this.#view(context, actor), points };
  }

  /** A model with its values as they are now; undefined while it cannot be made. @throws `models.not_found` */
  async values(id: string): Promise<ModelValues | undefined> {
    return this.#values((await this.#look(id)).context);
  }

  /** A point of a model. @throws `models.not_found`, `models.invalid`, `models.point_not_found` */
  async point(id: string, name: string): Promise<ModelPoint> {
    const { context } = await this.#look(id);
    return pointOf(this.#make(context.definition), name);
  }

  /** A point of a model, and where its values are stored. @throws as `point` */
  async stored(address: ModelAddress): Promise<StoredModelPoint> {
    const point = await this.point(address.model, address.point);
    return { point, stored: await this.#placeOf(address, point) };
  }

  /** A point of a model with its newest value, in the form of those of channels. @throws as `point` */
  async pointView({ model: id, point: name }: ModelAddress): Promise<PointView> {
    const { context } = await this.#look(id);
    const point = pointOf(this.#make(context.definition), name);
    const values = await this.#values(context);
    const slot = values?.model.points.findIndex((each) => each.name === name) ?? -1;
    const address = { model: id, point: name };
    const { min, max, unit, title } = point;
    return {
      address: formatModelAddress(address),
      ...(await this.#placeOf(address, point)),
      ...{ name: title, unit, writable: isWritable(point) },
      ...(values?.at(slot) ?? { value: null, quality: 'bad', time: null }),
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
    };
  }

  async #placeOf(address: ModelAddress, { route, kind }: ModelPoint): Promise<SeriesPoint> {
    if (route !== undefined) return { channel: route.channel, kind: route.kind, id: route.id };
    return { channel: await this.#parts.numbers.claim(address.model), kind, id: storedId(address) };
  }

  /** @param isThere knows the models that there are; default: they are asked for */
  async create(model: NewModel, isThere?: (id: string) => boolean): Promise<ModelView> {
    const { id, name = id, template, parameters = {}, parent = null, points = {} } = model;
    const definition: ModelDefinition = { id, name, template, parameters, parent, points };
    await this.#check(definition, isThere);
    await this.#parts.numbers.claim(id);
    const context = await this.#ask(id, { type: 'create', definition });
    return this.#view(context);
  }

  /** Creates it, or replaces what it was. */
  async put({ id, name = id, template, parameters = {}, parent = null, points = {} }: NewModel, commandId?: string) {
    const definition: ModelDefinition = { id, name, template, parameters, parent, points };
    await this.#check(definition);
    await this.#parts.numbers.claim(id);
    return this.#view(await this.#ask(id, { type: 'put', definition }, commandId));
  }

  async update(id: string, changes: ModelUpdate): Promise<ModelView> {
    const { context } = await this.#look(id);
    await this.#check({ ...context.definition, ...changes });
    return this.#view(await this.#ask(id, { type: 'update', changes }));
  }

  async remove(id: string, commandId?: string): Promise<void> {
    if (commandId === undefined) await this.#look(id);
    const to = modelRef(this.#parts.modelKind, id);
    const options = commandId === undefined ? {} : { commandId };
    const { createdAt, changes } = await this.#parts.system.ask(to, { type: 'remove', source: 'caller' }, options);
    const gone = { id, definition: null, age: ageOf({ createdAt, changes }), values: [] } as const;
    await this.#show((store) => store.setModels([gone]));
  }

  /** The kind of a point of a model. @throws as `point` */
  async kindOf(id: string, name: string): Promise<PointKind> {
    return (await this.point(id, name)).kind;
  }

  /**
   * A mapped point is written at its channel; one without a mapping holds the value.
   *
   * @param options fromText: the value is text, whatever the point holds
   */
  async write(
    { model: id, point: name, value: given, ...rest }: ModelWrite,
    { fromText = false } = {},
  ): Promise<WriteReply> {
    const { context } = await this.#look(id);
    const point = pointOf(this.#make(context.definition), name);
    const address = `modsrv:${id}:${name}`;
    if (!isWritable(point)) throw notWritable(address, point);
    const value = fromText && !point.text ? numberOf(given) : given;
    const checked = checkedValue({ ...point, dataType: point.text ? 'string' : 'float64' }, address, value);
    const { route, kind } = point;
    if (route === undefined) {
      const commandId = rest.commandId ?? randomUUID();
      const options = { commandId, ...(rest.deadlineMs === undefined ? {} : { deadline: rest.deadlineMs }) };
      const to = modelRef(this.#parts.modelKind, id);
      await this.#parts.system.ask(to, { type: 'hold', point: name, value: checked }, options);
      return {
        commandId,
        address,
        written: checked,
        readBack: checked,
        confirmed: true,
        answer: 'held',
        roundTripMs: 0,
      };
    }
    const own = (found: number | string): number | string =>
      typeof found === 'string' ? found : fromChannel(route, found);
    const sent = typeof checked === 'string' ? checked : toChannel(route, checked);
    const reply = await this.#parts.write({
      channel: route.channel,
      kind: kind as 'C' | 'A',
      id: route.id,
      value: sent,
      ...rest,
    });
    return {
      ...reply,
      address,
      written: own(reply.written),
      readBack: reply.readBack === null ? null : own(reply.readBack),
    };
  }

  async #ask(
    id: string,
    command: Extract<CommandOf<ModelKind>, { type: 'create' | 'put' | 'update' }>,
    commandId?: string,
  ): Promise<Defined> {
    const options = commandId === undefined ? {} : { commandId };
    const context = await this.#parts.system.ask(modelRef(this.#parts.modelKind, id), command, options);
    if (!isDefined(context)) throw notFound(id);
    const { definition } = context;
    const points = buildModel(definition, this.#siteParts(), collect([]))?.points ?? [];
    await this.#show((store) => store.showModel({ id, definition, age: ageOf(context), points }));
    return context;
  }

  /** Who was answered finds the change in the store at once. While that is away, what brings it back brings this too. */
  async #show(write: (store: RealtimeStore) => Promise<void>): Promise<void> {
    const { realtime } = this.#parts;
    if (!realtime.health().up) return;
    try {
      await write(realtime);
    } catch {
      // Its health says so; the model's own node goes on trying.
    }
  }

  async #look(id: string): Promise<{ context: Defined; actor: ActorState }> {
    const actor = await this.#parts.system.look(modelRef(this.#parts.modelKind, id));
    if (actor !== undefined) refuseUnread(actor);
    if (actor === undefined || !isDefined(actor.context)) throw notFound(id);
    return { context: actor.context, actor };
  }

  async #values({ definition, held }: Defined): Promise<ModelValues | undefined> {
    const model = buildModel(definition, this.#siteParts(), collect([]));
    if (model === undefined) return undefined;
    const values = new ModelValues(model, held);
    for (const channel of values.channels) values.applyStored(await this.#parts.realtime.read(channel));
    return values;
  }

  /** @throws `models.invalid` */
  #make(definition: ModelDefinition): Model {
    const problems: string[] = [];
    const model = buildModel(definition, this.#siteParts(), collect(problems));
    if (model === undefined) throw invalid(definition.id, problems);
    return model;
  }

  /** @throws `models.invalid` */
  async #check(definition: ModelDefinition, isThere?: (id: string) => boolean): Promise<void> {
    this.#make(definition);
    const { id, parent } = definition;
    if (parent === null || isThere?.(parent) === true) return;
    const parents = new Map((await this.models()).map((model) => [model.id, model.parent]));
    if (!parents.has(parent)) throw invalid(id, [`parent: there is no model ${parent}`]);
    parents.set(id, parent);
    if (isPartOfItself(id, parents)) throw invalid(id, [`parent: ${parent} is part of ${id} itself`]);
  }

  #siteParts(): ModelParts {
    const { site } = this.#parts.holder;
    if (this.#made?.site !== site) this.#made = { site, parts: modelParts(site.templates, site.channels) };
    return this.#made.parts;
  }

  #view({ definition, source, createdAt, updatedAt }: Defined, actor?: ActorState): ModelView {
    return {
      id: definition.id,
      name: definition.name,
      template: definition.template,
      parameters: { ...definition.parameters },
      parent: definition.parent,
      points: { ...definition.points },
      ref: `model/${definition.id}`,
      product: this.#siteParts().template(definition.template)?.product ?? '',
      source: source ?? 'caller',
      problem: (actor && crashOf(actor)) ?? (actor?.live as ModelLive | undefined)?.problem ?? null,
      createdAt,
      updatedAt,
    };
  }
}

function pointOf({ definition, points }: Model, name: string): ModelPoint {
  const point = points.find((candidate) => candidate.name === name);
  if (point !== undefined) return point;
  throw new StatewattError(
    'models.point_not_found',
    'not_found',
    `the model ${definition.id} has no point ${name.slice(0, 64)}; ${instead(name.slice(0, 64), points)}`,
  );
}

function instead(name: string, points: readonly ModelPoint[]): string {
  const names = points.map((point) => point.name);
  const near = nearest(name, names);
  if (near !== undefined) return `did you mean ${near}?`;
  const shown = names.slice(0, 10).join(', ');
  return names.length > 10 ? `it has ${shown} and ${names.length - 10} more` : `it has ${shown || 'none'}`;
}

function numberOf(given: number | string | boolean): number | string | boolean {
  if (given === 'true' || given === 'false') return given === 'true';
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : NaN;
  return Number.isNaN(number) ? given : number;
}

function notWritable(address: string, { route, expression }: ModelPoint): StatewattError {
  const source = route === undefined ? `is computed: ${expression}` : `comes from ${formatPointAddress(route)}`;
  return new StatewattError(
    'models.not_writable',
    'invalid',
    `${address} ${source}; only points of the kinds C and A, and those that hold what they are set to, can be written`,
  );
}

function isDefined(context: unknown): context is Defined {
  return ((context as ModelContext | undefined)?.definition ?? null) !== null;
}

function viewPoint(point: ModelPoint, value: ModelValue): ModelPointView {
  const { route, text: _text, symbols, ...facts } = point;
  return {
    ...facts,
    ...value,
    ...(symbols === undefined ? {} : { symbols: { ...symbols } }),
    point: route === undefined ? null : formatPointAddress(route),
    writable: isWritable(point),
  };
}

function invalid(id: string, problems: readonly string[]): StatewattError {
  return new StatewattError('models.invalid', 'invalid', `the model ${id} cannot be made: ${problems.join('; ')}`, {
    details: { problems },
  });
}

function notFound(id: string): StatewattError {
  return new StatewattError('models.not_found', 'not_found', `there is no model ${id}`);
}
