import Type from 'typebox';
import { endpoint } from './endpoint.js';
import {
  DryRunRuleSchema,
  EvaluateRuleSchema,
  NewRuleSchema,
  RULE_COMMANDS,
  RuleChangesSchema,
  RuleDryRunSchema,
  RuleExecutionSchema,
  RuleExecutionsQuerySchema,
  RuleExecutionsSchema,
  RuleIdSchema,
  RulesPageSchema,
  RulesQuerySchema,
  RuleViewSchema,
  type RulesPage,
  type RuleView,
} from './rules.js';

const closed = { additionalProperties: false } as const;
const id = RuleIdSchema;
/** The view's own type is richer than its schema says. */
const View = Type.Unsafe<RuleView>(RuleViewSchema);

/** The requests about rules. */
export const ruleEndpoints = {
  rulesList: endpoint('rules', 'list', {
    summary: 'Rules, ascending by id, page by page',
    request: RulesQuerySchema,
    response: Type.Unsafe<RulesPage>(RulesPageSchema),
    call: ({ client }, query) => client.rules.list(query),
  }),
  rulesGet: endpoint('rules', 'get', {
    summary: 'One rule, with its state and what its condition was seen with',
    request: Type.Object({ id }, closed),
    response: View,
    call: ({ client }, { id }) => client.rules.get(id),
  }),
  rulesCreate: endpoint('rules', 'create', {
    summary: 'Make a rule; answers once it is durable',
    changes: true,
    request: NewRuleSchema,
    response: View,
    call: ({ client }, rule) => client.rules.create(rule),
  }),
  rulesUpdate: endpoint('rules', 'update', {
    summary: 'Change a rule that does not stand in the site file; what is left out stays',
    changes: true,
    request: Type.Object({ id, changes: RuleChangesSchema }, closed),
    response: View,
    call: ({ client }, { id, changes }) => client.rules.update(id, changes),
  }),
  rulesRemove: endpoint('rules', 'remove', {
    summary: 'Remove a rule that does not stand in the site file',
    changes: true,
    request: Type.Object({ id }, closed),
    response: Type.Object({}),
    call: async ({ client }, { id }) => {
      await client.rules.remove(id);
      return {};
    },
  }),
  rulesCommand: endpoint('rules', 'command', {
    summary: 'Enable or disable a rule; answers it once that is durable',
    changes: true,
    request: Type.Object(
      { id, command: Type.Unsafe<(typeof RULE_COMMANDS)[number]>({ type: 'string', enum: [...RULE_COMMANDS] }) },
      closed,
    ),
    response: View,
    call: ({ client }, { id, command }) => client.rules.command(id, command),
  }),
  rulesEvaluate: endpoint('rules', 'evaluate', {
    summary: 'Evaluate a rule now, with the newest values; it fires when its condition is true',
    changes: true,
    request: Type.Object({ id, ...EvaluateRuleSchema.properties }, closed),
    response: RuleExecutionSchema,
    call: ({ client }, { id, ...request }) => client.rules.evaluate(id, request),
  }),
  rulesExecute: endpoint('rules', 'execute', {
    summary: 'Take the actions of a rule’s firing now, whatever its condition is',
    changes: true,
    request: Type.Object({ id, ...EvaluateRuleSchema.properties }, closed),
    response: RuleExecutionSchema,
    call: ({ client }, { id, ...request }) => client.rules.execute(id, request),
  }),
  rulesExecutions: endpoint('rules', 'executions', {
    summary: 'What a rule has done: when, why, and what became of each action, newest first',
    request: Type.Object({ id, ...RuleExecutionsQuerySchema.properties }, closed),
    response: RuleExecutionsSchema,
    call: ({ client }, { id, ...query }) => client.rules.executions(id, query),
  }),
  rulesDryRun: endpoint('rules', 'dry-run', {
    summary: 'What a rule would have done with the values that history has; nothing is done',
    request: Type.Object({ id, ...DryRunRuleSchema.properties }, closed),
    response: RuleDryRunSchema,
    call: ({ client }, { id, ...span }) => client.rules.dryRun(id, span),
  }),
} as const;
