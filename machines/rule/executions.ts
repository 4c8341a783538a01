import type { ErrorBody } from '../../errors/error.js';
import type { Execution, PointValues, Rule, RuleAction, StepOutcome } from '../../site/rules/rule.js';

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
  /** What another try may help is tried until it succeeds. */
  readonly mustSucceed?: true;
}

type Webhook = Extract<RuleAction, { type: 'webhook' }>;
type Publish = Extract<RuleAction, { type: 'publish' }>;

/** A message that the outbox carries to its receiver. */
export interface OutgoingMessage {
  readonly rule: string;
  readonly name: string;
  /** Number of the execution. */
  readonly execution: number;
  readonly at: number;
  readonly values: PointValues;
  readonly body?: unknown;
}
export interface WebhookCall {
  readonly url: string;
  readonly message: OutgoingMessage;
}
export interface Publication {
  readonly subject: string;
  readonly message: OutgoingMessage;
}
/** An action that needs nobody's answer: the outbox carries it out. */
export type Outgoing =
  | { readonly type: 'callWebhook'; readonly params: WebhookCall }
  | { readonly type: 'publishMessage'; readonly params: Publication };

/** What is next, and what goes to the outbox before it. */
export interface NextActions {
  readonly executions: Executions;
  readonly outgoing: readonly Outgoing[];
  /** Its outcome is waited for; null when there is none. */
  readonly order: ActionOrder | null;
}

/** Hands what needs no answer to the outbox, up to the first action whose outcome is to be waited for. */
export function nextActions(context: Executions, rule: Rule | null, at: number): NextActions {
  let executions = context;
  const outgoing: Outgoing[] = [];
  for (;;) {
    const order = nextAction(executions, rule);
    if (order === null || rule === null) return { executions, outgoing, order: null };
    const { action } = order;
    if (action.type !== 'webhook' && action.type !== 'publish') return { executions, outgoing, order };
    outgoing.push(toOutgoing(action, order, rule));
    executions = settleAction(executions, rule, { status: 'queued', at });
  }
}

function toOutgoing(action: Webhook | Publish, { execution, at, values }: ActionOrder, rule: Rule): Outgoing {
  const { id, name } = rule;
  const body = action.body === undefined ? {} : { body: action.body };
  const message: OutgoingMessage = { rule: id, name, execution, at, values, ...body };
  return action.type === 'webhook'
    ? { type: 'callWebhook', params: { url: action.url, message } }
    : { type: 'publishMessage', params: { subject: action.subject, message } };
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
