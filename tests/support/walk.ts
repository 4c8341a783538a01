import assert from 'node:assert/strict';
import type { WithoutTime } from '../../actors/runtime/kind.js';
import {
  initialTransition,
  transition,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventFromLogic,
} from 'xstate';

type TransitionOf = AnyStateMachine['root']['on'][string][number];

/**
 * Walks a pure state chart with a clock of its own and remembers which transitions it took, so that a test can demand
 * that every state and every transition was reached.
 */
export class Walk<M extends AnyStateMachine> {
  readonly machine: M;
  snapshot: AnyMachineSnapshot;
  /** Types of the actions of the last step, with their params. */
  actions: { type: string; params: unknown }[] = [];
  now = 1_000;
  readonly #taken: Set<TransitionOf>;

  /** `covered` may be shared by several walks. */
  constructor(machine: M, covered: Set<unknown> = new Set(), input?: unknown) {
    this.machine = machine;
    this.#taken = covered as Set<TransitionOf>;
    [this.snapshot] = initialTransition(machine, input as never) as unknown as [AnyMachineSnapshot];
  }

  get value(): unknown {
    return this.snapshot.value as unknown;
  }

  /** Sends an event; answers the state's value. Time goes on by one second. */
  send(event: WithoutTime<EventFromLogic<M>>): unknown {
    this.now += 1_000;
    const timed = { ...event, at: this.now } as unknown as EventFromLogic<M>;
    for (const taken of this.machine.getTransitionData(this.snapshot as never, timed)) {
      this.#taken.add(taken);
    }
    const [next, actions] = transition(this.machine, this.snapshot as never, timed) as unknown as [
      AnyMachineSnapshot,
      { type: string; params: unknown }[],
    ];
    this.snapshot = next;
    this.actions = actions.map(({ type, params }) => ({ type, params }));
    return next.value;
  }
}

/** Fails with a list of every state and transition that no walk has taken. */
export function assertAllTaken(machine: AnyStateMachine, covered: ReadonlySet<unknown>): void {
  const missing: string[] = [];
  const visit = (node: AnyStateMachine['root']): void => {
    for (const candidates of node.transitions.values()) {
      candidates.forEach((candidate, index) => {
        if (!covered.has(candidate)) missing.push(`${node.id}: ${candidate.eventType}[${index}]`);
      });
    }
    const children = Object.values(node.states);
    for (const child of children) {
      const entered =
        node.initial.target.includes(child) ||
        [...(covered as ReadonlySet<TransitionOf>)].some((taken) => taken.target?.includes(child) === true);
      if (!entered) missing.push(`${child.id} is never entered`);
      visit(child);
    }
  };
  visit(machine.root);
  assert.deepEqual(missing, [], 'not taken');
}
