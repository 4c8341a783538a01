import type { RuleExecution, RuleView } from '../../../../actors/client/rules.js';

export type RuleState = RuleView['state'];

/** What people call the states, those that need somebody first. */
export const RULE_STATE_NAMES: Readonly<Record<RuleState, string>> = {
  stopped: 'stopped',
  failed: 'failed',
  active: 'active',
  holding: 'holding',
  waiting: 'waiting',
  starting: 'starting',
  disabled: 'disabled',
};

/** A condition as its lines: one expression, or `all of` / `any of` several. */
export function conditionLines(condition: RuleView['condition']): { of: 'all' | 'any' | undefined; lines: string[] } {
  if (typeof condition === 'string') return { of: undefined, lines: [condition] };
  return 'all' in condition ? { of: 'all', lines: [...condition.all] } : { of: 'any', lines: [...condition.any] };
}

/** What an action does, from its own fields: `write: point 1001:A:1, value 0`. */
export function describeAction(action: RuleView['actions'][number]): string {
  const { type, on, onFailure, ...rest } = action as { type: string; on?: string; onFailure?: string };
  const facts = Object.entries(rest as Record<string, unknown>).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  if (on === 'returns') facts.push('when the condition is false again');
  if (onFailure === 'continue') facts.push('goes on after a failure');
  return `${type.replaceAll('_', ' ')}${facts.length === 0 ? '' : `: ${facts.join(', ')}`}`;
}

/** Why it ran, in words. */
export function describeTrigger({ trigger, triggered, condition }: RuleExecution): string {
  if (trigger === 'fires') return 'fired';
  if (trigger === 'returns') return 'condition was false again';
  const found = condition === null ? 'unknown' : String(condition);
  return `evaluated by hand: ${found}${triggered ? ', fired' : ''}`;
}

/** What each step of a run does, by its number: an alarm that clears by itself is two steps. */
export function stepNames(actions: RuleView['actions']): string[] {
  return actions.flatMap((action) => {
    const name = action.type.replaceAll('_', ' ');
    return action.type === 'alarm' && action.clears !== false ? [name, 'clear alarm'] : [name];
  });
}
