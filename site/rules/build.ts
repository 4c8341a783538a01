import { compileExpression, type PointScope } from '../expressions/index.js';
import type { ModelOrigin as Origin } from '../models/template.js';
import type { ActionDefinition, AlarmDefinition, RuleDefinition } from './definition.js';
import type { ConditionGroup, Rule, RuleAction } from './rule.js';
import { isSimulation, readSet, readTarget, tryCompile, type RuleSite } from './targets.js';

export type { RuleSite } from './targets.js';

/**
 * A rule of its definition, its points as addresses; undefined when something is wrong, which `origin` is told with its
 * place. Every condition is compiled once.
 */
export function buildRule(definition: RuleDefinition, site: RuleSite, origin: Origin): Rule | undefined {
  const { condition, actions: defined, ...facts } = definition;
  const expression = readCondition(condition, definition.deadband, site.points, origin);
  const actions = defined.flatMap((action, index): (RuleAction | undefined)[] =>
    action.type === 'alarm'
      ? alarmActions(action, definition)
      : [buildAction(action, definition, site, origin.at('actions', index))],
  );
  if (expression === undefined || !actions.every((action) => action !== undefined)) return undefined;
  return { ...facts, expression, ...(typeof condition === 'string' ? {} : { group: condition }), actions };
}

/** What a caller would have to write to get this rule. */
export function defineRule({ expression, group, actions, ...facts }: Rule): RuleDefinition {
  const defined: ActionDefinition[] = [];
  for (let index = 0; index < actions.length; index++) {
    const action = actions[index] as RuleAction;
    if (action.type !== 'raiseAlarm') {
      defined.push(defineAction(action));
      continue;
    }
    const next = actions[index + 1];
    const clears = next?.type === 'clearAlarm' && next.on === 'returns' && next.source === action.alarm.source;
    if (clears) index += 1;
    defined.push({ type: 'alarm', ...action.alarm, clears, onFailure: action.onFailure });
  }
  return { ...facts, condition: group ?? expression, actions: defined };
}

function readCondition(
  condition: RuleDefinition['condition'],
  deadband: number,
  points: PointScope,
  origin: Origin,
): string | undefined {
  const compiles = (text: string, at: Origin, field: string): boolean =>
    tryCompile(() => compileExpression(text, { points, result: 'condition', deadband }), at, field);
  if (typeof condition === 'string') return compiles(condition, origin, 'condition') ? condition : undefined;
  const [word, members] = groupOf(condition);
  const right = members.map((member, index) => compiles(member, origin.at('condition', word, index), ''));
  if (right.includes(false)) return undefined;
  const whole = `${word}(\n  ${members.join(',\n  ')}\n)`;
  return compiles(whole, origin, 'condition') ? whole : undefined;
}

function groupOf(group: ConditionGroup): ['all' | 'any', readonly string[]] {
  return 'all' in group ? ['all', group.all] : ['any', group.any];
}

/** Raised when the rule fires and, if so wanted, cleared when its condition is false again. */
function alarmActions(action: AlarmDefinition, rule: Pick<RuleDefinition, 'id' | 'name'>): RuleAction[] {
  const { level, title = rule.name, source = sourceOf(rule.id), clears = true, onFailure = 'stop' } = action;
  const { description, classification, group } = action;
  const alarm = {
    source,
    level,
    title,
    ...(description === undefined ? {} : { description }),
    ...(classification === undefined ? {} : { classification }),
    ...(group === undefined ? {} : { group }),
  };
  const raise: RuleAction = { on: 'fires', onFailure, type: 'raiseAlarm', alarm };
  return clears ? [raise, { on: 'returns', onFailure, type: 'clearAlarm', source }] : [raise];
}

/** Where the alarms of a rule come from unless it says otherwise. */
function sourceOf(rule: string): string {
  return `rule:${rule}`;
}

function buildAction(
  action: Exclude<ActionDefinition, AlarmDefinition>,
  rule: RuleDefinition,
  site: RuleSite,
  origin: Origin,
): RuleAction | undefined {
  const moment = { on: action.on ?? 'fires', onFailure: action.onFailure ?? 'stop' } as const;
  switch (action.type) {
    case 'webhook':
      return { ...moment, type: action.type, url: action.url, ...bodyOf(action) };
    case 'publish':
      return { ...moment, type: action.type, subject: action.subject, ...bodyOf(action) };
    case 'clear_alarm': {
      const { rule: ruleId, source = sourceOf(ruleId ?? rule.id) } = action;
      return { ...moment, type: 'clearAlarm', source, ...(ruleId === undefined ? {} : { ruleId }) };
    }
    case 'write': {
      const point = readTarget(action.point, action.value, site, origin);
      const { interlock } = action;
      const locks = interlock === undefined || interlockCompiles(interlock, site.points, origin);
      if (point === undefined || !locks) return undefined;
      const { type, value } = action;
      return { ...moment, type, point, value, ...(interlock === undefined ? {} : { interlock }) };
    }
    case 'set': {
      const target = readSet(action, site, origin);
      return target && { ...moment, type: action.type, ...target };
    }
    case 'simulate': {
      const { type, channel, command = 'start' } = action;
      return isSimulation(channel, site, origin) ? { ...moment, type, channel, command } : undefined;
    }
  }
}

function defineAction(action: Exclude<RuleAction, { type: 'raiseAlarm' }>): ActionDefinition {
  if (action.type !== 'clearAlarm') return action;
  const { ruleId, type: _type, ...rest } = action;
  return { ...rest, type: 'clear_alarm', ...(ruleId === undefined ? {} : { rule: ruleId }) };
}

function bodyOf({ body }: { body?: unknown }): { body?: unknown } {
  return body === undefined ? {} : { body };
}

/** It is looked at once, at the moment of the write, so it can know nothing of before. */
function interlockCompiles(interlock: string, points: PointScope, origin: Origin): boolean {
  let past: readonly string[] = [];
  const compiles = tryCompile(
    () => ({ past } = compileExpression(interlock, { points, result: 'condition' })),
    origin,
    'interlock',
  );
  if (!compiles || past.length === 0) return compiles;
  origin.report('interlock', past.join(', '), 'what is known at the moment of the write, without a look at the past');
  return false;
}
