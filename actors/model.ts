import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { modelMachine, type HeldValue, type ModelContext } from '../machines/model.js';
import type { ModelDefinition } from '../site/models/model.js';
import { ModelDefinitionSchema } from './client/model-schemas.js';
import type { ModelHub } from './models/hub.js';
import type { ModelAge } from '../protocols/realtime/store.js';
import { defineKind, type Resource, type Turn } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

/** What the live part of a model shows of itself. */
export interface ModelLive {
  /** Why it cannot be made of the configuration in force; null when it is. */
  readonly problem: string | null;
}

const { name, parameters, parent, points } = ModelDefinitionSchema.properties;
const Changes = Type.Partial(Type.Object({ name, parameters, parent, points }));

/**
 * The kind `model`: one model of equipment, id = the model's. Always on: it lives on the node that owns its partition,
 * where the hub gives it the frames of its channels.
 */
export function createModelKind(hub: ModelHub) {
  return defineKind({
    kind: 'model',
    version: 1,
    machine: modelMachine,
    commands: (command) => ({
      create: command(Type.Object({ definition: ModelDefinitionSchema }), answerCreate),
      /** Creates it, or replaces what it was. */
      put: command(Type.Object({ definition: ModelDefinitionSchema }), answerUpdate),
      update: command(Type.Object({ changes: Changes }), answerUpdate),
      configure: command(
        Type.Object({ definition: ModelDefinitionSchema, revision: Type.String({ minLength: 1 }) }),
        contextOf,
      ),
      remove: command(
        Type.Object({ source: Type.Unsafe<'site' | 'caller'>({ type: 'string', enum: ['site', 'caller'] }) }),
        answerRemove,
      ),
      hold: command(
        Type.Object({ point: Type.String({ minLength: 1 }), value: Type.Union([Type.Number(), Type.String()]) }),
        answerHold,
      ),
    }),
    resource: (host) => new ModelSeat(host.ref.id, host.epoch, hub),
    effects: {
      use: ({ resource, params }) => resource.use(params.context),
      note: ({ resource, params: { point, held } }) => resource.hold(point, held),
      drop: ({ resource, params }) => resource.drop(params.context),
    },
    policy: { alwaysOn: true, snapshotEvery: 50, mailboxCapacity: 200 },
  });
}

export type ModelKind = ReturnType<typeof createModelKind>;

/** The actor of a model. */
export function modelRef(kind: ModelKind, model: string): ActorRef<ModelKind> {
  return ref(kind, model);
}

/** A model's place in the hub of the node where its actor lives. */
class ModelSeat implements Resource {
  readonly #id: string;
  readonly #epoch: number;
  readonly #hub: ModelHub;

  constructor(id: string, epoch: number, hub: ModelHub) {
    this.#id = id;
    this.#epoch = epoch;
    this.#hub = hub;
  }

  use({ definition, held, ...age }: ModelContext): void {
    if (definition !== null) this.#hub.use(this.#id, this.#epoch, { definition, held, age: ageOf(age) });
  }

  hold(point: string, held: HeldValue): void {
    this.#hub.hold(this.#id, point, held);
  }

  drop(context: ModelContext): void {
    this.#hub.drop(this.#id, ageOf(context));
  }

  inspect(): ModelLive {
    return { problem: this.#hub.problem(this.#id) };
  }

  close(): Promise<void> {
    return this.#hub.leave(this.#id);
  }
}

/** Which of two definitions of a model is the newer one. */
export function ageOf({ createdAt, changes = 0 }: Pick<ModelContext, 'createdAt' | 'changes'>): ModelAge {
  return { createdAt, changes };
}

type ModelTurn<C> = Turn<typeof modelMachine, C>;

function contextOf({ snapshot }: ModelTurn<unknown>): ModelContext {
  return snapshot.context;
}

function answerCreate(turn: ModelTurn<{ definition: ModelDefinition }>): ModelContext {
  const { changed, command } = turn;
  if (changed) return contextOf(turn);
  throw new StatewattError('models.exists', 'conflict', `there is a model ${command.definition.id} already`);
}

function answerUpdate(turn: ModelTurn<unknown>): ModelContext {
  if (!turn.changed) throw refusal(turn.snapshot.context);
  return contextOf(turn);
}

function answerRemove(turn: ModelTurn<unknown>): ModelContext {
  if (!turn.changed) throw refusal(turn.snapshot.context);
  return contextOf(turn);
}

function answerHold(turn: ModelTurn<unknown>): ModelContext {
  if (!turn.changed) throw noModel();
  return contextOf(turn);
}

/** Why a caller's change was not taken. */
function refusal({ definition }: ModelContext): StatewattError {
  if (definition === null) return noModel();
  return new StatewattError(
    'models.configured',
    'conflict',
    `the model ${definition.id} stands in the site file; change it there`,
  );
}

function noModel(): StatewattError {
  return new StatewattError('models.not_found', 'not_found', 'there is no such model');
}
