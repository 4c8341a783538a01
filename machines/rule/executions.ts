import type { ErrorBody } from '../../errors/error.js';
import type { Execution, Rule, RuleAction, StepOutcome } from '../../site/rules/rule.js';

/** Executions that are remembered. */
export const KEPT_EXECUTIONS = 50;
/** Executions whose actions may wait for those before them. */
export const MAX_WAITING = 16;

/** What of a rule's context is about its executions. */
export interface Executions {
  /** The last KEPT_EXECUTIONS, oldest first. */
  readonly executions: readonly Execution[];
  /** How many there were in all; the number of the last one. */
  readonly executed: number;
}

/** One action to be taken. Ordered twice, it must be done once: rule, execution and index name it for ever. */
export interface ActionOrder {
  readonly execution: number;
  /** In the rule's actions. */
  readonly index: number;
  readonly action: RuleAction;
  /** When the execution began, ms since the Unix epoch, and why. */
  readonly at: number;
  readonly values: Execution['values'];
}

/** The first action that has not been taken; null when there is none. */
export function nextAction({ executions }: Executions, rule: Rule | null): ActionOrder | null {
  for (const { number, steps, at, values } of executions) {
    const step = steps.find(({ status }) => status === 'pending');
    if (step === undefined) continue;
    const action = rule?.actions[step.action];
    return action === undefined ? null : { execution: number, index: step.action, action, at, values };
  }
  return null;
}

/** Adds an execution that takes the actions of a moment; of none when `moment` is null. */
export function addExecution(
  { executions, executed }: Executions,
  rule: Rule | null,
  moment: RuleAction['on'] | null,
  facts: Pick<Execution, 'at' | 'trigger' | 'condition' | 'values' | 'request'>,
): Executions {
  const waiting = executions.filter(isPending).length;
  const outcome: StepOutcome =
    waiting < MAX_WAITING ? { status: 'pending' } : { status: 'failed', at: facts.at, error: TOO_MANY };
  const steps = (rule?.actions ?? []).flatMap((action, index) =>
    action.on === moment ? [{ action: index, ...outcome }] : [],
  );
  const number = executed + 1;
  return { executions: keepLast([...executions, { number, ...facts, steps }]), executed: number };
}

/** Notes what became of the action that was ordered; one that failed may end its execution. */
export function settleAction(
  context: Executions,
  rule: Rule | null,
  outcome: Extract<StepOutcome, { at: number }>,
): Executions {
  const order = nextAction(context, rule);
  if (order === null) return context;
  const ends = outcome.status === 'failed' && order.action.onFailure === 'stop';
  return {
    ...context,
    executions: context.executions.map((execution) => {
      if (execution.number !== order.execution) return execution;
      const steps = execution.steps.map((step) => {
        if (step.action === order.index) return { action: step.action, ...outcome };
        return ends && step.status === 'pending' ? skipped(step) : step;
      });
      return { ...execution, steps };
    }),
  };
}

/** Leaves out all that has not been taken: the actions are about to be others. */
export function skipPending(context: Executions): Executions {
  return {
    ...context,
    executions: context.executions.map((execution) =>
      isPending(execution)
        ? { ...execution, steps: execution.steps.map((step) => (step.status === 'pending' ? skipped(step) : step)) }
        : execution,
    ),
  };
}

/** Forgets the oldest that waits for nothing. */
function keepLast(executions: readonly Execution[]): readonly Execution[] {
  if (executions.length <= KEPT_EXECUTIONS) return executions;
  const oldest = executions.findIndex((execution) => !isPending(execution));
  return executions.filter((_, index) => index !== oldest);
}

function skipped({ action }: { readonly action: number }) {
  return { action, status: 'skipped' as const };
}

function isPending({ steps }: Execution): boolean {
  return steps.some(({ status }) => status === 'pending');
}

const TOO_MANY: ErrorBody = {
  code: 'rules.too_many_waiting',
  category: 'busy',
  message: `${MAX_WAITING} executions of this rule wait for their actions; this one was left out`,
};
