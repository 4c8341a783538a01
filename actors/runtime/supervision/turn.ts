import type { EffectRecord, EventBody, FamilyRecord } from '../../../bus/messages.js';
import { formatRef, parseRef, type Ref } from '../../../bus/subjects.js';
import { StatewattError, errorMessage } from '../../../errors/error.js';
import type { Kind } from '../kind.js';
import type { ActorState, Step } from '../state.js';
import { CHILD_FAILED, type Control } from './control.js';
import { CHILDREN_STARTED, EFFECT, type ChildFailed, type ChildStart } from './family.js';
import { affected, MAX_CHILDREN, weigh, type Supervision } from './policy.js';

/** What a word between parent and child becomes in an actor's journal, and what its activation does after that. */
export interface ControlTurn {
  readonly event: EventBody;
  readonly step: Step;
  /** `crash`: its children are beyond it. `end`: it is stopped for good. `renew`: it lives again. */
  readonly then?: { readonly crash: StatewattError } | 'end' | 'renew';
}

/** Code of the error with which an actor crashes because its children did, beyond its intensity. */
export const ESCALATED = 'supervision.child_failed';

type Journaled = Extract<Control, { type: 'statewatt.adopt' | 'statewatt.stop' | 'statewatt.crashed' }>;

/** Whether an actor journals it; the others are its host's affair. */
export function isJournaled(control: Control): control is Journaled {
  return control.type !== 'statewatt.restart' && control.type !== 'statewatt.halt';
}

/**
 * What an actor makes of a word of its parent, or about a child. undefined: it knows already.
 *
 * @param random in [0, 1), for the jitter of the backoff
 * @throws `supervision.has_parent`, `supervision.no_children`, `supervision.not_parent`
 */
export function controlTurn(
  kind: Kind,
  ref: Ref,
  state: ActorState,
  control: Journaled,
  at: number,
  random: number,
): ControlTurn | undefined {
  const { family } = state;
  switch (control.type) {
    case 'statewatt.adopt':
      return adopted(ref, state, control, at);
    case 'statewatt.stop':
      if (family.stopped) return undefined;
      if (family.parent !== control.by) throw notParent(ref, control.by);
      return {
        event: control,
        step: state.aside(stopAll(family), at),
        then: 'end',
      };
    case 'statewatt.crashed':
      if (kind.supervise === undefined) throw noChildren(ref, kind);
      return childCrashed(kind, kind.supervise, ref, state, control, at, random);
  }
}

/** Starts all children of an actor again: it was given up, with them or because of them, and lives again. */
export function startChildren(state: ActorState, at: number): ControlTurn {
  const effects = state.family.children.map(({ ref }) => effect(EFFECT.restart, { ref, delayMs: 0 }));
  return { event: { type: CHILDREN_STARTED }, step: state.aside(effects, at) };
}

/**
 * A step of the chart, as the family has it: a chart that has come to its end stops the children with it.
 *
 * @throws as `checkChildren`
 */
export function familyStep(ref: Ref, family: FamilyRecord, step: Step): Step {
  checkChildren(ref, family, step.effects);
  if (step.snapshot.status !== 'done' || family.children.length === 0) return step;
  return { ...step, effects: [...step.effects, ...stopAll(family)] };
}

function stopAll({ children }: FamilyRecord): EffectRecord[] {
  return children.map(({ ref }) => effect(EFFECT.stop, { ref }));
}

/** @throws `supervision.invalid_child`, `supervision.too_many_children`, `actors.invalid_ref`: what a chart asks for cannot be */
function checkChildren(ref: Ref, family: FamilyRecord, effects: readonly EffectRecord[]): void {
  for (const { type, params } of effects) {
    if (type !== EFFECT.spawn && type !== EFFECT.stop) continue;
    const given = params as Partial<ChildStart> | null;
    const wrong = typeof given?.ref !== 'string' || ![undefined, 'permanent', 'temporary'].includes(given.restart);
    if (wrong || formatRef(parseRef(given.ref)) === formatRef(ref)) {
      throw new StatewattError(
        'supervision.invalid_child',
        'invalid',
        `${type} of ${formatRef(ref)} has the params ${JSON.stringify(params)}; allowed: {"ref": "kind/id"} of another ` +
          'actor, for spawnChild also "restart": "permanent" or "temporary"',
      );
    }
  }
  const spawned = effects.filter(({ type }) => type === EFFECT.spawn).length;
  if (spawned > 0 && family.children.length + spawned > MAX_CHILDREN) {
    throw new StatewattError(
      'supervision.too_many_children',
      'busy',
      `${formatRef(ref)} has ${family.children.length} children; allowed are ${MAX_CHILDREN}`,
    );
  }
}

function adopted(ref: Ref, state: ActorState, control: Extract<Control, { type: 'statewatt.adopt' }>, at: number) {
  const { parent, stopped } = state.family;
  if (parent === control.by) return undefined;
  if (parent !== null) {
    throw new StatewattError(
      'supervision.has_parent',
      'conflict',
      `${formatRef(ref)} is a child of ${parent}; ${control.by} cannot have it too`,
    );
  }
  const turn: ControlTurn = { event: control, step: state.aside([], at) };
  return stopped ? { ...turn, then: 'renew' as const } : turn;
}

function childCrashed(
  kind: Kind,
  policy: Supervision,
  ref: Ref,
  state: ActorState,
  control: Extract<Control, { type: 'statewatt.crashed' }>,
  at: number,
  random: number,
): ControlTurn {
  const { family } = state;
  const child = family.children.find((each) => each.ref === control.child);
  if (child === undefined) {
    const reason = `${formatRef(ref)} does not supervise it`;
    return { event: control, step: state.aside([halt(control.child, reason)], at) };
  }
  const verdict =
    child.restart === 'temporary' ? ({ restart: false } as const) : weigh(policy, family.crashes, at, random);
  if (verdict.restart) {
    const delayMs = Math.round(verdict.delayMs);
    const effects = affected(policy.strategy, family, child.ref).map((each) =>
      effect(EFFECT.restart, { ref: each, delayMs }),
    );
    return { event: control, step: state.aside(effects, at) };
  }
  return givenUp(kind, policy, ref, state, control, child.restart === 'temporary', at);
}

/** The chart may deal with it; what it does not take makes the parent crash, and so goes up to its own supervisor. */
function givenUp(
  kind: Kind,
  policy: Supervision,
  ref: Ref,
  state: ActorState,
  { child, error }: Extract<Control, { type: 'statewatt.crashed' }>,
  temporary: boolean,
  at: number,
): ControlTurn {
  const event = { type: CHILD_FAILED, ref: child, error } as const satisfies ChildFailed;
  const { step, thrown } = attempt(kind, ref, state, event, at);
  const halted = halt(child, error.message);
  if (step?.changed === true) return { event, step: { ...step, effects: [halted, ...step.effects] } };
  if (temporary) return { event, step: state.aside([halted], at) };
  const reason =
    `its child ${child} crashed more than ${policy.intensity} times within ${policy.windowMs / 1000} s, ` +
    `the last time: ${error.message}${thrown === undefined ? '' : `; its chart threw at it: ${errorMessage(thrown)}`}`;
  const effects = state.family.children.map(({ ref: each }) =>
    each === child ? halted : halt(each, `${formatRef(ref)} was given up: ${reason}`),
  );
  return {
    event: { ...event, escalated: true },
    step: state.aside(effects, at),
    then: { crash: new StatewattError(ESCALATED, 'internal', `${formatRef(ref)}: ${reason}`) },
  };
}

function attempt(
  kind: Kind,
  ref: Ref,
  state: ActorState,
  event: EventBody,
  at: number,
): { step?: Step; thrown?: unknown } {
  try {
    const step = state.step(kind, event, at);
    return { step: familyStep(ref, state.family, step) };
  } catch (thrown) {
    return { thrown };
  }
}

function effect(type: string, params: Readonly<Record<string, unknown>>): EffectRecord {
  return { type, params, durable: true };
}

function halt(ref: string, reason: string): EffectRecord {
  return effect(EFFECT.halt, { ref, reason });
}

function notParent(ref: Ref, by: string): StatewattError {
  return new StatewattError('supervision.not_parent', 'conflict', `${formatRef(ref)} is no child of ${by}`);
}

function noChildren(ref: Ref, kind: Kind): StatewattError {
  return new StatewattError(
    'supervision.no_children',
    'invalid',
    `${formatRef(ref)} can have no children: kind "${kind.kind}" does not say how it supervises`,
  );
}
