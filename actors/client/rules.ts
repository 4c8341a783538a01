import Type, { type Static } from 'typebox';
import {
  ACTION_LIMITS,
  ACTION_SHAPES,
  ActionMomentSchema,
  ALARM_SHAPE,
  CooldownSchema,
  HoldSchema,
  OnFailureSchema,
  RULE_SHAPE,
  RuleIdSchema,
} from '../../site/rules/schema.js';
import type { ActionDefinition, RuleDefinition } from '../../site/rules/definition.js';

/** What may be asked about rules and commanded to them, for every face. Part of the public client. */

function literals<T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
}
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });
const closed = { additionalProperties: false } as const;

export { RuleIdSchema };
export const RULE_STATES = ['disabled', 'waiting', 'holding', 'active', 'stopped', 'failed', 'starting'] as const;

const moment = { on: ActionMomentSchema, onFailure: OnFailureSchema };
/** One action, as a caller writes it; docs/rules.md. */
export const RuleActionSchema = Type.Unsafe<ActionDefinition>(
  Type.Union(
    [
      ...Object.values(ACTION_SHAPES).map((shape) => Type.Object({ ...shape, ...moment }, closed)),
      Type.Object({ ...ALARM_SHAPE, onFailure: OnFailureSchema }, closed),
    ],
    { description: 'something that the rule does' },
  ),
);
const { condition, ...facts } = RULE_SHAPE;
const optional = { ...facts, holdMs: HoldSchema, cooldownMs: CooldownSchema };
const actions = Type.Array(RuleActionSchema, ACTION_LIMITS);

/** A new rule; one without an id gets one. */
export const NewRuleSchema = Type.Object({ id: Type.Optional(RuleIdSchema), ...optional, condition, actions }, closed);
export type NewRule = Static<typeof NewRuleSchema>;
/** What of a rule is to change; what is left out stays. */
export const RuleChangesSchema = Type.Object(
  { ...optional, condition: Type.Optional(condition), actions: Type.Optional(actions) },
  closed,
);
export type RuleChanges = Static<typeof RuleChangesSchema>;

const Values = Type.Record(Type.String(), Nullable(Type.Number()), {
  description: 'values of the condition’s points, by address; null: unknown',
});

export const RuleViewSchema = Type.Object({
  id: RuleIdSchema,
  ref: Type.String({ description: 'actor reference, `rule/<id>`' }),
  name: Type.String(),
  description: Type.String(),
  enabled: Type.Boolean({ description: 'whether its condition is watched' }),
  priority: Type.Integer(),
  condition,
  holdMs: Type.Integer(),
  cooldownMs: Type.Integer(),
  deadband: Type.Number(),
  actions: Type.Array(RuleActionSchema),
  source: Type.Unsafe<'site' | 'caller'>({ type: 'string', enum: ['site', 'caller'], description: 'who defines it' }),
  state: literals(RULE_STATES),
  since: Millis('when it entered the state'),
  value: Nullable(Type.Boolean({ description: 'what its condition was when it last changed; null: unknown' })),
  values: Values,
  firedAt: Nullable(Millis('when it fired last, since it was last changed')),
  executions: Type.Integer({ description: 'executions so far' }),
  problem: Nullable(
    Type.String({
      description: 'why its condition cannot be evaluated, why it was stopped, or why its actor is given up',
    }),
  ),
  loop: Nullable(Type.String({ description: 'how it may set itself off again, in words' })),
  createdAt: Millis('when it was defined'),
  updatedAt: Millis('when it was last changed'),
});
export type RuleView = Omit<RuleDefinition, 'actions'> &
  Omit<Static<typeof RuleViewSchema>, 'condition' | 'actions' | 'values'> & {
    readonly actions: readonly ActionDefinition[];
    readonly values: Readonly<Record<string, number | null>>;
  };

export const RulesQuerySchema = Type.Object(
  {
    state: Type.Optional(literals(RULE_STATES)),
    source: Type.Optional(literals(['site', 'caller'] as const)),
    text: Type.Optional(Type.String({ description: 'part of id, name or description, any case', minLength: 1 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000, default: 1000 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page' })),
  },
  closed,
);
export type RulesQuery = Static<typeof RulesQuerySchema>;
export const RulesPageSchema = Type.Object({
  rules: Type.Array(RuleViewSchema, { description: 'ascending by id' }),
  nextCursor: Nullable(Type.String()),
});
export interface RulesPage {
  rules: RuleView[];
  nextCursor: string | null;
}

export const RuleExecutionSchema = Type.Object({
  number: Type.Integer({ description: 'unique in the rule, rising' }),
  at: Millis('when it began'),
  trigger: Type.Unsafe<'fires' | 'returns' | 'manual'>({
    type: 'string',
    enum: ['fires', 'returns', 'manual'],
    description: 'the rule fired, its condition was false again, or somebody asked for an evaluation',
  }),
  triggered: Type.Boolean({ description: 'the condition was true' }),
  condition: Nullable(Type.Boolean({ description: 'null: unknown' })),
  values: Values,
  steps: Type.Array(
    Type.Object({
      action: Type.Integer({ description: 'place among the actions that the rule was made of' }),
      status: literals(['pending', 'queued', 'done', 'failed', 'skipped'] as const),
      at: Type.Optional(Type.Number()),
      error: Type.Optional(
        Type.Object({ code: Type.String(), category: Type.String(), message: Type.String() }, { description: 'why' }),
      ),
    }),
    { description: 'queued: handed to the outbox, which carries it out or parks it in the dead letters' },
  ),
});
export type RuleExecution = Static<typeof RuleExecutionSchema>;
export const RuleExecutionsSchema = Type.Object({
  executions: Type.Array(RuleExecutionSchema, { description: 'newest first; a rule remembers its last 50' }),
  nextCursor: Nullable(Type.String()),
});
export type RuleExecutions = Static<typeof RuleExecutionsSchema>;
export const RuleExecutionsQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, default: 50 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page' })),
  },
  closed,
);
export type RuleExecutionsQuery = Static<typeof RuleExecutionsQuerySchema>;

/** What operators may tell a rule. */
export const RULE_COMMANDS = ['enable', 'disable'] as const;
export type RuleCommandName = (typeof RULE_COMMANDS)[number];

export const EvaluateRuleSchema = Type.Object(
  {
    commandId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description: 'makes a repeated request answer the first evaluation',
      }),
    ),
  },
  closed,
);
export type EvaluateRule = Static<typeof EvaluateRuleSchema>;

const asked = (description: string) =>
  Type.Optional(Type.Number({ description: `${description} (ms since the Unix epoch)`, minimum: 0, maximum: 8.64e15 }));
export const DryRunRuleSchema = Type.Object(
  { from: asked('default: a week before `to`'), to: asked('default: now; 31 days after `from` at most') },
  closed,
);
export type DryRunRule = Static<typeof DryRunRuleSchema>;
export const RuleDryRunSchema = Type.Object({
  from: Type.Number(),
  to: Type.Number(),
  fired: Type.Integer({ description: 'how often it would have fired' }),
  firings: Type.Array(
    Type.Object({
      at: Millis('when it would have fired'),
      returnedAt: Nullable(Millis('when its condition was false again')),
      values: Values,
    }),
    { description: 'the first 1000 of them' },
  ),
  samples: Type.Integer({ description: 'values of its points that were looked at' }),
  complete: Type.Boolean({ description: 'false: it ended at `reached`, after two million values or 20 s' }),
  reached: Type.Number(),
});
export type RuleDryRun = Static<typeof RuleDryRunSchema>;

/** The part of the public client that deals with rules. */
export interface RulesClient {
  list(query: RulesQuery): Promise<RulesPage>;
  /** @throws `rules.not_found` */
  get(id: string): Promise<RuleView>;
  /** @throws `rules.invalid`, `rules.exists` */
  create(rule: NewRule): Promise<RuleView>;
  /** @throws `rules.invalid`, `rules.not_found`, `rules.configured`: it stands in the site file */
  update(id: string, changes: RuleChanges): Promise<RuleView>;
  /** @throws `rules.not_found`, `rules.configured` */
  remove(id: string): Promise<void>;
  /** Answers the rule after the command was journaled. @throws `rules.not_found` */
  command(id: string, command: RuleCommandName): Promise<RuleView>;
  /** Evaluates with the newest values; a rule whose condition is true fires. @throws `rules.not_found`, `rules.not_enabled` */
  evaluate(id: string, request: EvaluateRule): Promise<RuleExecution>;
  /** Takes the actions of its firing now, whatever its condition is. @throws `rules.not_found`, `rules.not_enabled` */
  execute(id: string, request: EvaluateRule): Promise<RuleExecution>;
  /** What it has done, newest first. @throws `rules.not_found` */
  executions(id: string, query: RuleExecutionsQuery): Promise<RuleExecutions>;
  /** What it would have done with the values that history has; nothing is done. @throws `rules.not_found`, `rules.invalid_span` */
  dryRun(id: string, span: DryRunRule): Promise<RuleDryRun>;
}
