import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom, StateMachine } from 'xstate';
import type { Static, TSchema } from 'typebox';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { StatewattError } from '../../errors/error.js';
import { OWN_SCHEMAS, validator, type Validator } from '../../site/validator.js';
import type { Ref } from '../../bus/subjects.js';
import { checkEvolution, type Evolution, type Evolved } from './evolution.js';
import type { DurableEffect } from './outbox/effect.js';
import { isReserved } from './supervision/control.js';
import { childActions, childEffects } from './supervision/effects.js';
import { completeSupervision, type Supervision } from './supervision/policy.js';

/** Answer "not yet": the command was accepted, its answer comes with a later event. */
export const PENDING: unique symbol = Symbol('pending');

/** What a kind sees when it answers a command. */
export interface Turn<M extends AnyStateMachine, Command> {
  readonly command: Command;
  readonly commandId: string;
  /** The state after the command. */
  readonly snapshot: SnapshotFrom<M>;
  /** Whether the command changed anything (and so stands in the journal). */
  readonly changed: boolean;
}

/** One command of a kind: what it must look like and what is answered. Made by the builder that `commands` is given. */
export interface CommandDefinition<M extends AnyStateMachine, S extends TSchema, Reply> {
  readonly schema: S;
  /** Answers it; see `CommandBuilder`. */
  readonly reply: (turn: Turn<M, Static<S>>) => Reply;
}

/**
 * Describes one command. `reply` is called after the command, and again after each later event while it answers
 * PENDING; it may throw a StatewattError, which is the answer then. Without it the state's value is answered.
 */
export type CommandBuilder<M extends AnyStateMachine> = <S extends TSchema, Reply = unknown>(
  schema: S,
  reply?: (turn: Turn<M, Static<S>>) => Reply,
) => CommandDefinition<M, S, Reply>;

type Commands<M extends AnyStateMachine> = Readonly<Record<string, CommandDefinition<M, TSchema, unknown>>>;

/** What the live part of an activation can do with its actor. */
export interface Host<Event> {
  readonly ref: Ref;
  /** Rises with every activation; of an always-on actor even when its journal was lost (about the time, ms). */
  readonly epoch: number;
  /** Puts an event of the actor's own into its mailbox; resolves when it is durable (or was of no consequence). */
  send(event: Event): Promise<void>;
  /** Ends the activation as a fault; its supervisor restarts it. */
  fail(error: unknown): void;
}

/** What belongs to one activation and dies with it: a connection, a timer, a subscription. */
export interface Resource {
  /** Ends it; the activation waits for that. */
  close(): Promise<void>;
  /** What it shows of itself to people who look inside; JSON. */
  inspect?(): unknown;
}

/** One effect about to run, after its journal entry was acknowledged. */
export interface EffectRun<Params, R> {
  readonly params: Params;
  readonly resource: R;
  readonly ref: Ref;
  /** `ref#seq.n`: names the effect for ever. */
  readonly key: string;
  /** W3C traceparent for what the effect sends. */
  readonly traceparent: string;
}

/** The event as callers give it: the runtime adds `at`. */
export type WithoutTime<E> = E extends { at: number } ? Omit<E, 'at'> : E;
/** What a machine hears, as callers and effects give it. */
export type EventOf<M extends AnyStateMachine> = WithoutTime<EventFromLogic<M>>;

type ActionsOf<M> =
  M extends StateMachine<
    infer _Context,
    infer _Event,
    infer _Children,
    infer _Actor,
    infer Action,
    infer _Guard,
    infer _Delay,
    infer _Value,
    infer _Tag,
    infer _Input,
    infer _Output,
    infer _Emitted,
    infer _StateMeta,
    infer _StateSchema,
    infer _TransitionMeta
  >
    ? Action
    : never;

type ParamsOf<M, Type> = Extract<ActionsOf<M>, { type: Type }> extends { params?: infer Params } ? Params : unknown;

/** The effects of a machine by the names of its actions: run by the activation, or durable. */
export type Effects<M extends AnyStateMachine, R> = {
  readonly [Type in ActionsOf<M>['type']]?:
    ((run: EffectRun<ParamsOf<M, Type>, R>) => Promise<void> | void) | DurableEffect<ParamsOf<M, Type>>;
};

/** How often, and how soon, an actor that crashes is started again. */
export interface RestartPolicy {
  /** More crashes than this within `windowMs`, and the actor is parked as failed. */
  readonly intensity: number;
  readonly windowMs: number;
  /** Exponential, with jitter: initial · 2^(n−1), at most max. */
  readonly backoffMs: { readonly initial: number; readonly max: number };
}

/** How the actors of a kind are run. */
export interface Policy {
  /** Journal entries between two snapshots. */
  readonly snapshotEvery: number;
  /** Commands that may wait; one more is answered `busy`. */
  readonly mailboxCapacity: number;
  readonly restart: RestartPolicy;
  /**
   * The actor lives whenever its partition is owned, and each activation begins with a journaled `activated` event:
   * it fences every older activation at once and gives the activation its epoch.
   */
  readonly alwaysOn: boolean;
  /**
   * An actor without an event for so long saves a snapshot and leaves memory; the next command or query brings it back.
   * undefined = never. One that waits for an answer or an effect stays, also one that is always on or was activated by
   * hand. A live part that acts by itself does not count: give such a kind undefined.
   */
  readonly passivateAfterMs: number | undefined;
  /**
   * Days that journal entries are kept for audit at least; after that they go once a newer snapshot holds their sum.
   * undefined = for ever.
   */
  readonly journalDays: number | undefined;
}

/** What a kind that says nothing gets. */
export const DEFAULT_POLICY: Policy = {
  snapshotEvery: 100,
  mailboxCapacity: 1_000,
  restart: { intensity: 5, windowMs: 60_000, backoffMs: { initial: 100, max: 10_000 } },
  alwaysOn: false,
  passivateAfterMs: 60_000,
  journalDays: 365,
};

export interface KindDefinition<
  Name extends string,
  M extends AnyStateMachine,
  C extends Commands<M>,
  R extends Resource,
> extends Evolution {
  readonly kind: Name;
  /** Version of the machine's events and context, in every journal entry. */
  readonly version: number;
  readonly machine: M;
  /** The commands that may come from outside, by event type. Other events come only from the actor itself. */
  readonly commands: (command: CommandBuilder<M>) => C;
  /** Input of a new actor's machine. */
  readonly input?: (id: string) => InputFrom<M>;
  /** Makes the part that lives and dies with each activation, before its first event. */
  readonly resource?: (host: Host<EventOf<M>>) => R;
  /**
   * One for each action that the machine names and does not itself implement as an assignment. A function is run by the
   * activation after the commit, and is lost with it; `durable(…)` is run from the journal until it has succeeded.
   */
  readonly effects: Effects<M, R>;
  readonly policy?: Partial<Policy>;
  /**
   * How it supervises the actors that its machine starts by the action `spawnChild` (see `childActions`). Without it the
   * kind has no children.
   */
  readonly supervise?: Partial<Supervision>;
}

/** A kind as the runtime uses it, its parameter types erased but for the callers' sake. */
export interface Kind<Name extends string = string, Commands = unknown, Replies = unknown> extends Evolved {
  readonly kind: Name;
  readonly machine: AnyStateMachine;
  readonly policy: Policy;
  /** Input of a new actor's machine. */
  readonly input: (id: string) => unknown;
  /** undefined: its actors have no live part. */
  readonly resource: ((host: Host<{ type: string }>) => Resource) | undefined;
  /** Run by the activation after the commit. */
  readonly effects: Readonly<Record<string, (run: EffectRun<unknown, Resource>) => Promise<void> | void>>;
  readonly durable: Readonly<Record<string, DurableEffect<unknown>>>;
  readonly commands: Readonly<Record<string, ErasedCommand>>;
  readonly supervise: Supervision | undefined;
  /** Only types live here. */
  readonly types?: { commands: Commands; replies: Replies };
}

export interface ErasedCommand {
  readonly schema: TSchema;
  readonly validate: Validator;
  readonly reply: (turn: Turn<AnyStateMachine, unknown>) => unknown;
}

/** The commands that a kind takes. */
export type CommandOf<K> = K extends Kind<string, infer Commands, unknown> ? Commands : never;
/** What a kind answers to a command. */
export type ReplyOf<K, C> =
  K extends Kind<string, unknown, infer Replies>
    ? C extends { type: infer Type extends keyof Replies }
      ? Exclude<Replies[Type], typeof PENDING>
      : never
    : never;

/**
 * Defines a kind of actor: a pure state chart, the commands it takes (by schema), and what its actions cause outside.
 *
 *     const counter = defineKind({
 *       kind: 'counter',
 *       version: 1,
 *       machine: counterMachine,
 *       commands: (command) => ({
 *         add: command(Type.Object({ by: Type.Integer() }), ({ snapshot }) => snapshot.context.total),
 *       }),
 *       effects: {},
 *     });
 *
 * @throws `kind.version`, `kind.effect_missing`, `kind.effect_unknown`, `kind.unsupported`, `kind.reserved`, `kind.invalid_supervision`:
 *   the definition does not hold together
 */
export function defineKind<
  const Name extends string,
  M extends AnyStateMachine,
  C extends Commands<M>,
  R extends Resource = Resource,
>(
  definition: KindDefinition<Name, M, C, R>,
): Kind<
  Name,
  { [K in keyof C & string]: { type: K } & Static<C[K]['schema']> }[keyof C & string],
  { [K in keyof C]: ReturnType<C[K]['reply']> }
> {
  checkEvolution(definition.kind, definition);
  refuseWhatIsNotDurable(definition.kind, definition.machine);
  const supervise = definition.supervise && completeSupervision(definition.kind, definition.supervise);
  checkEffects(definition.kind, definition.machine, Object.keys(definition.effects), supervise !== undefined);
  let ajv: Ajv2020 | undefined;
  // TypeBox makes valid schemas only. The instance is the kind's own: others may have a schema of the same $id.
  const compile = (schema: TSchema) =>
    (ajv ??= new Ajv2020({ ...OWN_SCHEMAS, allErrors: true, strict: false })).compile(schema);
  // No prototype: a command called `constructor` is unknown like any other.
  const commands = Object.create(null) as Record<string, ErasedCommand>;
  const described = definition.commands((schema, reply) => ({ schema, reply: reply ?? stateValue }));
  for (const [type, { schema, reply }] of Object.entries<Commands<M>[string]>(described)) {
    if (isReserved(type)) throw reserved(definition.kind, `command "${type}"`);
    commands[type] = { schema, validate: validator(() => compile(schema)), reply: reply as ErasedCommand['reply'] };
  }
  return {
    kind: definition.kind,
    version: definition.version,
    ...(definition.upcast === undefined ? {} : { upcast: definition.upcast }),
    ...(definition.migrate === undefined ? {} : { migrate: definition.migrate }),
    machine: definition.machine,
    policy: { ...DEFAULT_POLICY, ...definition.policy },
    input: definition.input ?? (() => undefined),
    resource: definition.resource,
    ...splitEffects(definition.effects, supervise !== undefined),
    commands,
    supervise,
  };
}

/** Those that the activation runs, and those that the outbox runs. */
function splitEffects(
  given: Readonly<Record<string, unknown>>,
  supervises: boolean,
): Pick<Kind, 'effects' | 'durable'> {
  const all = [...Object.entries(given), ...(supervises ? Object.entries(childEffects) : [])];
  return {
    effects: Object.fromEntries(all.filter(([, effect]) => typeof effect === 'function')) as Kind['effects'],
    durable: Object.fromEntries(all.filter(([, effect]) => typeof effect === 'object')) as Kind['durable'],
  };
}

function stateValue<Reply>(turn: { readonly snapshot: unknown }): Reply {
  return (turn.snapshot as { value: Reply }).value;
}

/** Invoked children live in a process; they would be lost with it. */
function refuseWhatIsNotDurable(kind: string, machine: AnyStateMachine): void {
  const visit = (node: AnyStateMachine['root']): void => {
    if (node.invoke.length > 0) {
      throw unsupported(kind, `state "${node.id}" invokes an actor; make it an effect whose result is an event`);
    }
    for (const { delay } of node.after) {
      // XState would take it for no delay at all.
      if (typeof delay === 'string' && !(delay in machine.implementations.delays)) {
        throw unsupported(kind, `state "${node.id}" waits for "${delay}", a delay that setup does not name`);
      }
    }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
}

function unsupported(kind: string, what: string): StatewattError {
  return new StatewattError('kind.unsupported', 'invalid', `kind "${kind}": ${what}`);
}

function reserved(kind: string, what: string): StatewattError {
  return new StatewattError('kind.reserved', 'invalid', `kind "${kind}": ${what} is the runtime’s own`);
}

function checkEffects(kind: string, machine: AnyStateMachine, given: readonly string[], supervises: boolean): void {
  const runtimes = supervises ? Object.keys(childActions) : [];
  const taken = given.find((name) => isReserved(name) || runtimes.includes(name));
  if (taken !== undefined) throw reserved(kind, `effect "${taken}"`);
  const needed = namedEffects(kind, machine).filter((name) => !runtimes.includes(name));
  const missing = needed.filter((name) => !given.includes(name));
  if (missing.length > 0) {
    throw new StatewattError(
      'kind.effect_missing',
      'invalid',
      `kind "${kind}" has no effect for: ${missing.join(', ')}`,
    );
  }
  const unknown = given.filter((name) => !needed.includes(name));
  if (unknown.length > 0) {
    throw new StatewattError(
      'kind.effect_unknown',
      'invalid',
      `kind "${kind}" has effects that its machine does not name: ${unknown.join(', ')}; it names ${needed.join(', ')}`,
    );
  }
}

/** The actions that are not XState's own (assign, raise, …): those named in setup, and those that states name. */
function namedEffects(kind: string, machine: AnyStateMachine): string[] {
  const implemented: Readonly<Record<string, unknown>> = machine.implementations.actions;
  const names = new Set(Object.keys(implemented));
  const visit = (node: AnyStateMachine['root']): void => {
    const moves = [...node.transitions.values()].flat();
    for (const action of [node.entry, node.exit, ...moves.map((move) => move.actions)].flat() as unknown[]) {
      if (typeof action === 'string') names.add(action);
      else if (typeof action === 'object' && action !== null && 'type' in action) names.add(String(action.type));
      else if (!isPure(action)) {
        throw unsupported(
          kind,
          `state "${node.id}" has an action without a name; name it in setup, so that it can be an effect`,
        );
      }
    }
    for (const child of Object.values(node.states)) visit(child);
  };
  visit(machine.root);
  return [...names].filter((name) => !isPure(implemented[name]));
}

/** XState's own action creators give functions that can be resolved without running them. */
function isPure(action: unknown): boolean {
  return typeof action === 'function' && 'resolve' in action;
}
