import Type, { type Static } from 'typebox';
import { StatewattError } from '../../errors/error.js';
import { ALLOWED_ADDRESSES, formatAddress, parseAddress } from './addresses.js';
import {
  NewRuleSchema,
  RuleIdSchema,
  type NewRule,
  type RuleChanges,
  type RuleExecution,
  type RuleView,
} from './rules.js';

/** Rules in the words of VoltageEMS, for its clients over HTTP and in Redis. */

const closed = { additionalProperties: false } as const;
const { name, description, enabled, priority } = NewRuleSchema.properties;

/** VoltageEMS's names of actions, and ours. */
const ACTION_TYPES: Readonly<Record<string, string>> = {
  create_alarm: 'alarm',
  alarm: 'alarm',
  clear_alarm: 'clear_alarm',
  write_point: 'write',
  write: 'write',
  set_point: 'set',
  set: 'set',
  simulate: 'simulate',
  webhook: 'webhook',
  publish: 'publish',
};
const Condition = Type.Object(
  {
    expression: Type.String({ minLength: 1, maxLength: 4_000 }),
    data_sources: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { maxItems: 1_000 })),
  },
  closed,
);
const Action = Type.Object(
  {
    action_type: Type.Unsafe<string>({ type: 'string', enum: Object.keys(ACTION_TYPES) }),
    parameters: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  closed,
);
const Actions = Type.Array(Action, { minItems: 1, maxItems: 50 });
const facts = { name, description, enabled, priority };
/** A rule as VoltageEMS's clients write it. */
export const RulesrvRuleSchema = Type.Object(
  { id: Type.Optional(RuleIdSchema), ...facts, condition: Condition, actions: Actions },
  closed,
);
/** What of a rule is to change. */
export const RulesrvChangesSchema = Type.Object(
  { ...facts, condition: Type.Optional(Condition), actions: Type.Optional(Actions) },
  closed,
);

/** Throws when an action, the one of this place, is none that there is. */
export type ActionCheck = (action: unknown, index: number) => void;

/** In our words. @throws `rules.invalid_sources`, what `check` throws */
export function fromRulesrv(rule: Static<typeof RulesrvRuleSchema>, check: ActionCheck): NewRule {
  const { condition, actions, ...rest } = rule;
  checkSources(condition);
  return { ...rest, condition: condition.expression, actions: toActions(actions, check) };
}

/** As `fromRulesrv`, of what is to change. */
export function changesFromRulesrv(changes: Static<typeof RulesrvChangesSchema>, check: ActionCheck): RuleChanges {
  const { condition, actions, ...rest } = changes;
  if (condition !== undefined) checkSources(condition);
  return {
    ...rest,
    ...(condition === undefined ? {} : { condition: condition.expression }),
    ...(actions === undefined ? {} : { actions: toActions(actions, check) }),
  };
}

/** Every source is an address. That the points are there, and that the condition is right, the client says. */
function checkSources({ expression, data_sources: sources }: Static<typeof Condition>): void {
  if (sources === undefined) return;
  const listed = new Set<string>();
  for (const source of sources) {
    const address = parseAddress(source);
    if (address === undefined) {
      throw invalidSources(`"${source.slice(0, 100)}" is no point address; allowed: ${ALLOWED_ADDRESSES}`);
    }
    listed.add(formatAddress(address));
  }
  const missing = addressesIn(expression).find((address) => !listed.has(address));
  if (missing !== undefined) throw invalidSources(`the expression reads ${missing}, which is not among them`);
}

/** Those that are written as addresses, each once. */
function addressesIn(expression: string): string[] {
  const words = expression.match(/\b(?:(?:comsrv:)?\d+:[TSCA]:\d+|model:[\w-]+:\w+)\b/g) ?? [];
  const addresses = words.map((word) => parseAddress(word)).filter((address) => address !== undefined);
  return [...new Set(addresses.map(formatAddress))];
}

function invalidSources(why: string): StatewattError {
  return new StatewattError('rules.invalid_sources', 'invalid', `condition.data_sources: ${why}`);
}

function toActions(actions: readonly Static<typeof Action>[], check: ActionCheck): NewRule['actions'] {
  return actions.map(({ action_type: type, parameters = {} }, index) => {
    const action: unknown = { ...parameters, type: ACTION_TYPES[type] };
    check(action, index);
    return action as NewRule['actions'][number];
  });
}

/** A rule as VoltageEMS's clients know it. */
export function toRulesrv({ id, name, description, condition, actions, enabled, priority, ...rest }: RuleView) {
  const expression =
    typeof condition === 'string'
      ? condition
      : 'all' in condition
        ? `all(${condition.all.join(', ')})`
        : `any(${condition.any.join(', ')})`;
  return {
    ...{ id, name, description, enabled, priority, state: rest.state },
    condition: { expression, data_sources: [...new Set([...addressesIn(expression), ...Object.keys(rest.values)])] },
    actions: actions.map(({ type, ...parameters }) => ({
      action_type: type === 'alarm' ? 'create_alarm' : type,
      parameters,
    })),
    created_at: new Date(rest.createdAt).toISOString(),
    updated_at: new Date(rest.updatedAt).toISOString(),
  };
}

/**
 * The newest execution that was looked for: what follows the return of a condition is no trigger. Undefined when there is
 * none.
 */
export function newestExecution<E extends Pick<RuleExecution, 'trigger'>>(newestFirst: readonly E[]): E | undefined {
  return newestFirst.find(({ trigger }) => trigger !== 'returns');
}

/** An execution as VoltageEMS's clients know it. */
export function toRulesrvExecution(
  rule: string,
  { number, at, triggered, condition, trigger, values, steps }: RuleExecution,
) {
  return {
    ...{ rule_id: rule, execution_id: number, triggered, executed_at: new Date(at).toISOString(), condition, trigger },
    values,
    actions: steps.map(({ status, error }) => ({ status, ...(error === undefined ? {} : { error: error.message }) })),
  };
}
