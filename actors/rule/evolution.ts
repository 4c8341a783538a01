import type { EventBody } from '../../bus/messages.js';
import { clearedSources, NOTHING_STANDING } from '../../machines/rule/withdrawals.js';
import type { Rule } from '../../site/rules/rule.js';
import type { PersistedState } from '../runtime/evolution.js';

/** Version 1 kept values by their place in the expression, which says nothing once that has changed. */
export function upcastFrom1(event: EventBody): EventBody {
  return Array.isArray(event.values) ? { ...event, values: {} } : event;
}

/** Version 1 had rules of the site file only; one that had vanished from it was turned off, by this revision. */
export function migrateFrom1(state: PersistedState): PersistedState {
  const { context } = state;
  const gone = context.rule === null || context.revision === 'removed';
  const executions = (context.executions as readonly object[]).map((execution) => ({ ...execution, values: {} }));
  const facts = gone ? { rule: null, source: null, revision: null } : { source: 'site' };
  return { ...state, context: { ...context, values: {}, executions, createdAt: 0, updatedAt: 0, ...facts } };
}

const CHANGES = new Set(['configure', 'update', 'remove', 'disable']);

/** Version 2 left alarms standing when a rule was changed: what happened then must not happen again otherwise. */
export function upcastFrom2(event: EventBody): EventBody {
  return CHANGES.has(event.type) ? { ...event, keepsAlarms: true } : event;
}

/** Version 2 did not note which alarms it has raised: those of a rule that is active. */
export function migrateFrom2(state: PersistedState): PersistedState {
  const standing = state.value === 'active' ? clearedSources(state.context.rule as Rule | null) : [];
  return { ...state, context: { ...state.context, ...NOTHING_STANDING, standing } };
}
