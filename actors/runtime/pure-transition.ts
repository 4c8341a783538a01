import {
  createActor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyEventObject,
  type ExecutableActionObject,
} from 'xstate';

/** What XState gives a machine to work with. */
type Scope = Parameters<AnyStateMachine['transition']>[2];
type Next = readonly [snapshot: AnyMachineSnapshot, actions: readonly ExecutableActionObject[]];

const scopes = new WeakMap<AnyStateMachine, Scope>();

/**
 * XState's `transition`: the next snapshot and the actions of getting there, none of them run. That one makes a whole
 * actor, with the machine's first state, for each event, which is most of its time; this keeps one of each machine. It
 * holds no state of a transition, as a kind's machine neither invokes nor spawns anything within XState.
 */
export function pureTransition(machine: AnyStateMachine, before: AnyMachineSnapshot, event: AnyEventObject): Next {
  let scope = scopes.get(machine);
  if (scope === undefined) scopes.set(machine, (scope = inertScope(machine)));
  const actions: ExecutableActionObject[] = [];
  scope.actionExecutor = (action) => {
    actions.push(action);
  };
  return [machine.transition(before, event, scope) as AnyMachineSnapshot, actions];
}

function inertScope(machine: AnyStateMachine): Scope {
  const self = createActor(machine);
  const nothing = (): void => undefined;
  return {
    self,
    system: self.system,
    id: '',
    sessionId: '',
    logger: nothing,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    actionExecutor: nothing,
  };
}
