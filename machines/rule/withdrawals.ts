import type { Rule } from '../../site/rules/rule.js';
import type { ActionOrder, Executions } from './executions.js';

/** An alarm that the rule has raised and that nobody would clear any more. */
export interface Withdrawal {
  /** Counts up from 1, for ever. */
  readonly number: number;
  readonly source: string;
  /** For the alarm's journal. */
  readonly reason: string;
  readonly at: number;
}

/** What of a rule's context is about the alarms that it has raised and is to clear itself. */
export interface Standing {
  /** Sources of those that it has raised, or tried to, and not cleared since. */
  readonly standing: readonly string[];
  /** Those of them that a former definition has raised, and the present one raises too: it has not fired yet. */
  readonly left: readonly string[];
  /** They are cleared before anything else is done, oldest first. */
  readonly withdrawals: readonly Withdrawal[];
  /** How many there were in all. */
  readonly withdrawn: number;
}

export const NOTHING_STANDING: Standing = { standing: [], left: [], withdrawals: [], withdrawn: 0 };

type Known = Standing & Executions & { readonly rule: Rule | null };

/** Sources of the alarms that a rule raises when it fires and clears when its condition is false again. */
export function clearedSources(rule: Rule | null): string[] {
  const actions = rule?.actions ?? [];
  const clears = (source: string): boolean =>
    actions.some(
      (action) =>
        action.type === 'clearAlarm' &&
        action.on === 'returns' &&
        action.source === source &&
        (action.ruleId === undefined || action.ruleId === rule?.id),
    );
  return raisedSources(rule).filter(clears);
}

/** Of what the rule has raised, or is about to raise, what `next` does not raise is to be cleared. null: there is none. */
export function withdraw(context: Known, next: Rule | null, reason: string, at: number): Standing {
  const kept = new Set(next?.enabled === true ? raisedSources(next) : []);
  const open = [...new Set([...context.standing, ...pendingRaises(context)])];
  const left = open.filter((source) => kept.has(source));
  const gone = open.filter((source) => !kept.has(source));
  return { ...withdrawAll(context, gone, reason, at), standing: left, left };
}

/** The condition is false, so what a former definition has left does not stand any more. */
export function withdrawLeft(context: Standing, at: number): Standing {
  const standing = context.standing.filter((source) => !context.left.includes(source));
  return { ...withdrawAll(context, context.left, 'rule changed', at), standing, left: [] };
}

/** Leaves out the raises that have not been taken, of alarms that the rule would clear itself. */
export function skipRaises(context: Known): Executions {
  const { executions, executed, rule } = context;
  const pending = new Set(clearedSources(rule));
  const isRaise = (index: number): boolean => {
    const action = rule?.actions[index];
    return action?.type === 'raiseAlarm' && pending.has(action.alarm.source);
  };
  return {
    executed,
    executions: executions.map((execution) => ({
      ...execution,
      steps: execution.steps.map((step) =>
        step.status === 'pending' && isRaise(step.action) ? { action: step.action, status: 'skipped' } : step,
      ),
    })),
  };
}

/** Clears the oldest; null when there is none. Below 0, so that it has no name of an execution's action. */
export function nextWithdrawal({ withdrawals }: Pick<Standing, 'withdrawals'>): ActionOrder | null {
  const [first] = withdrawals;
  if (first === undefined) return null;
  const { number, source, reason, at } = first;
  const action = { type: 'clearAlarm', on: 'returns', onFailure: 'continue', source, reason } as const;
  return { execution: -number, index: 0, action, at, values: {}, mustSucceed: true };
}

/** What became of an action about an alarm: one that may be raised counts as raised. */
export function noteSettled(
  { standing }: Standing,
  rule: Rule | null,
  { action }: ActionOrder,
  isDone: boolean,
): readonly string[] {
  if (action.type === 'raiseAlarm') {
    const { source } = action.alarm;
    return clearedSources(rule).includes(source) && !standing.includes(source) ? [...standing, source] : standing;
  }
  const clearsOwn = action.type === 'clearAlarm' && (action.ruleId === undefined || action.ruleId === rule?.id);
  return clearsOwn && isDone ? standing.filter((source) => source !== action.source) : standing;
}

function withdrawAll(
  { standing, left, withdrawals, withdrawn }: Standing,
  sources: readonly string[],
  reason: string,
  at: number,
): Standing {
  const waiting = new Set(withdrawals.map(({ source }) => source));
  const added = sources
    .filter((source) => !waiting.has(source))
    .map((source, index): Withdrawal => ({ number: withdrawn + index + 1, source, reason, at }));
  return { standing, left, withdrawals: [...withdrawals, ...added], withdrawn: withdrawn + added.length };
}

function raisedSources(rule: Rule | null): string[] {
  return (rule?.actions ?? []).flatMap((action) => (action.type === 'raiseAlarm' ? [action.alarm.source] : []));
}

/** Raises that wait for their turn, or are under way. */
function pendingRaises({ executions, rule }: Known): string[] {
  const cleared = new Set(clearedSources(rule));
  return executions.flatMap(({ steps }) =>
    steps.flatMap((step) => {
      const action = step.status === 'pending' ? rule?.actions[step.action] : undefined;
      return action?.type === 'raiseAlarm' && cleared.has(action.alarm.source) ? [action.alarm.source] : [];
    }),
  );
}
