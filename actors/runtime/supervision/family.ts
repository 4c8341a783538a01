import type { ChildRecord, EffectRecord, EventBody, FamilyRecord } from '../../../bus/messages.js';
import { bypassesChart, CHILD_FAILED, type Control } from './control.js';
import { REMEMBERED_CRASHES } from './policy.js';

/** The actions of a chart by which an actor starts and stops children, and the runtime's own effects on them. */
export const EFFECT = {
  spawn: 'spawnChild',
  stop: 'stopChild',
  restart: 'statewatt.restart',
  halt: 'statewatt.halt',
} as const;

/** Params of the action `spawnChild`. */
export interface ChildStart {
  /** Address of the actor, `kind/id`; of any kind that the nodes know, in any partition. */
  readonly ref: string;
  /** `permanent` (default): started again when it crashes. `temporary`: not; the parent hears `child.failed`. */
  readonly restart?: 'permanent' | 'temporary';
}

/** The journal entry by which a parent starts all its children again. */
export const CHILDREN_STARTED = 'statewatt.children.started';

/** Of an actor that nobody has spawned and that has spawned nobody. */
export const ALONE: FamilyRecord = { parent: null, stopped: false, children: [], gaveUp: false, crashes: [] };

/** An actor's family after a journal entry. Pure: replaying the journal gives the same. */
export function familyAfter(
  family: FamilyRecord,
  event: EventBody,
  effects: readonly EffectRecord[],
  at: number,
): FamilyRecord {
  const told = bypassesChart(event.type) || event.type === CHILD_FAILED ? afterEvent(family, event, at) : family;
  return effects.length === 0 ? told : effects.reduce(afterEffect, told);
}

/** What of the journal is about a family. */
type FamilyEvent =
  | Exclude<Control, { type: 'statewatt.restart' | 'statewatt.halt' }>
  | ChildFailed
  | { readonly type: typeof CHILDREN_STARTED };

function afterEvent(family: FamilyRecord, event: EventBody, at: number): FamilyRecord {
  const known = event as unknown as FamilyEvent;
  switch (known.type) {
    case 'statewatt.adopt':
      return { ...family, parent: known.by, stopped: false };
    case 'statewatt.stop':
      return { ...family, parent: null, stopped: true, gaveUp: false };
    case 'statewatt.crashed':
      return { ...family, crashes: [...family.crashes, at].slice(-REMEMBERED_CRASHES) };
    case CHILD_FAILED: {
      const temporary = family.children.some(({ ref, restart }) => ref === known.ref && restart === 'temporary');
      if (temporary) return { ...family, children: family.children.filter(({ ref }) => ref !== known.ref) };
      const crashes = [...family.crashes, at].slice(-REMEMBERED_CRASHES);
      return { ...family, crashes, gaveUp: known.escalated === true };
    }
    case CHILDREN_STARTED:
      return { ...family, gaveUp: false, crashes: [] };
    default:
      return family;
  }
}

function afterEffect(family: FamilyRecord, { type, params }: EffectRecord): FamilyRecord {
  switch (type) {
    case EFFECT.spawn: {
      const { ref, restart = 'permanent' } = params as ChildStart;
      const child: ChildRecord = { ref, restart, down: false, restarts: 0 };
      const known = family.children.some((each) => each.ref === ref);
      return known ? withChild(family, ref, () => child) : { ...family, children: [...family.children, child] };
    }
    case EFFECT.stop: {
      const { ref } = params as { ref: string };
      return { ...family, children: family.children.filter((each) => each.ref !== ref) };
    }
    case EFFECT.restart:
      return withChild(family, (params as { ref: string }).ref, (child) => ({
        ...child,
        down: false,
        restarts: child.restarts + 1,
      }));
    case EFFECT.halt:
      return withChild(family, (params as { ref: string }).ref, (child) => ({ ...child, down: true }));
    default:
      return family;
  }
}

function withChild(family: FamilyRecord, ref: string, change: (child: ChildRecord) => ChildRecord): FamilyRecord {
  return { ...family, children: family.children.map((child) => (child.ref === ref ? change(child) : child)) };
}

/** What a parent's chart hears, and may take: a child is given up. */
export interface ChildFailed {
  readonly type: typeof CHILD_FAILED;
  readonly ref: string;
  readonly error: { readonly code: string; readonly message: string };
  /** In the journal only: the chart did not take it, so the parent crashed. */
  readonly escalated?: true;
}
