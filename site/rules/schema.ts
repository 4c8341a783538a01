import Type, { type Static } from 'typebox';
import { ALARM_LEVELS } from '../alarms.js';
import { closed, millis, tagged, words } from '../config/schema/helpers.js';

export const RULE_ID = '^[A-Za-z0-9_-]{1,64}$';
/** Without wildcards, and not among those that the server and Statewatt keep for themselves. */
export const SUBJECT =
  '^(?!(cmd|timer|due|evt|snap|dead|frame|statewatt|_[A-Za-z0-9]*)\\.)[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$';

/** When an action is taken; default: when the rule fires. */
export const ActionMomentSchema = Type.Optional(
  words(['fires', 'returns'], {
    description: 'when the rule fires (the default), or when its condition is false again after that',
  }),
);
/** What becomes of the actions after one that failed; default: they are left out. */
export const OnFailureSchema = Type.Optional(
  words(['stop', 'continue'], { description: 'what becomes of the actions after it; default: stop' }),
);
const body = Type.Optional(Type.Unknown({ description: 'JSON, sent as `body` with rule, time and values' }));
const source = Type.Optional(
  Type.String({ minLength: 1, maxLength: 256, description: 'where it comes from; default: `rule:<id>`' }),
);
export const RuleIdSchema = Type.String({ pattern: RULE_ID, description: '1 to 64 of A-Z a-z 0-9 _ -' });
const expression = (description: string) => Type.String({ minLength: 1, maxLength: 4_000, description });

/** What each sort of action says, beside when it is taken and what follows its failure. */
export const ACTION_SHAPES = {
  write: {
    type: words(['write']),
    point: Type.String({ minLength: 1, description: 'a control or adjustment point: address or name' }),
    value: Type.Number(),
    interlock: Type.Optional(expression('a condition: written only when it is true at that moment')),
  },
  set: {
    type: words(['set']),
    point: Type.String({
      minLength: 1,
      description: 'a point of a virtual channel that nothing feeds: address or name; with `model` a point of that',
    }),
    model: Type.Optional(Type.String({ pattern: RULE_ID, description: 'id of a model' })),
    value: Type.Union([Type.Number(), expression('an expression of what is known at that moment')], {
      description: 'a number, or an expression that gives one (a condition for a state)',
    }),
  },
  simulate: {
    type: words(['simulate']),
    channel: Type.Integer({ minimum: 1, maximum: 4_294_967_295, description: 'a virtual channel' }),
    command: Type.Optional(
      words(['start', 'stop'], { description: 'start: from its beginning, also when it runs (the default)' }),
    ),
  },
  webhook: {
    type: words(['webhook']),
    url: Type.String({ pattern: '^https?://[^\\s/]+', description: 'gets a POST with JSON' }),
    body,
  },
  publish: {
    type: words(['publish']),
    subject: Type.String({ pattern: SUBJECT, maxLength: 255, description: 'NATS subject without wildcards' }),
    body,
  },
  clear_alarm: {
    type: words(['clear_alarm']),
    source,
    rule: Type.Optional(RuleIdSchema),
  },
} as const;
/** An alarm has moments of its own. */
export const ALARM_SHAPE = {
  type: words(['alarm']),
  level: words(ALARM_LEVELS, { description: 'how severe it is' }),
  title: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'for people; default: the name of the rule' }),
  ),
  description: Type.Optional(Type.String({ maxLength: 2_000 })),
  classification: Type.Optional(Type.String({ maxLength: 64, description: 'safety, process, communication …' })),
  group: Type.Optional(Type.String({ maxLength: 128, description: 'alarms with one cause; default: the source' })),
  source,
  clears: Type.Optional(
    Type.Boolean({ description: 'it is cleared when the condition is false again; default: true' }),
  ),
} as const;

const written = { on: ActionMomentSchema, on_failure: OnFailureSchema };
const { write, set, simulate, webhook, publish, clear_alarm } = ACTION_SHAPES;
const ActionFileSchema = tagged(
  'type',
  [
    { values: ['write'], schema: closed({ ...write, ...written }) },
    { values: ['set'], schema: closed({ ...set, ...written }) },
    { values: ['simulate'], schema: closed({ ...simulate, ...written }) },
    { values: ['webhook'], schema: closed({ ...webhook, ...written }) },
    { values: ['publish'], schema: closed({ ...publish, ...written }) },
    { values: ['alarm'], schema: closed({ ...ALARM_SHAPE, on_failure: OnFailureSchema }) },
    { values: ['clear_alarm'], schema: closed({ ...clear_alarm, ...written }) },
  ],
  { description: 'something that the rule does' },
);

const members = (description: string) =>
  Type.Array(expression('an expression, see docs/expressions.md'), { minItems: 1, maxItems: 50, description });
/** An expression, or a group of them. */
export const ConditionSchema = Type.Union(
  [
    expression('an expression, see docs/expressions.md'),
    closed({ all: members('each of them must be true') }),
    closed({ any: members('one of them must be true') }),
  ],
  { description: 'an expression, or several: `all` or `any` of them' },
);

/** What a site file and a caller both say of a rule, by the same names. */
export const RULE_SHAPE = {
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'for people; default: the id' })),
  description: Type.Optional(Type.String({ maxLength: 2_000 })),
  enabled: Type.Optional(Type.Boolean({ description: 'default: true' })),
  priority: Type.Optional(
    Type.Integer({ minimum: -1000, maximum: 1000, description: 'higher ones first; default: 0' }),
  ),
  condition: ConditionSchema,
  deadband: Type.Optional(
    Type.Number({
      minimum: 0,
      description: 'a threshold stays passed until the value is back by this much; default: 0',
    }),
  ),
} as const;
export const HoldSchema = Type.Optional(
  millis('how long the condition must be true before the rule fires; default: 0', { minimum: 0 }),
);
export const CooldownSchema = Type.Optional(millis('least time between two firings; default: 0', { minimum: 0 }));
export const ACTION_LIMITS = { minItems: 1, maxItems: 50, description: 'taken one after the other' } as const;

/** A rule as site.yaml writes it. */
export const RuleFileSchema = closed({
  id: Type.String({ pattern: RULE_ID, description: 'unique in the site: 1 to 64 of A-Z a-z 0-9 _ -' }),
  ...RULE_SHAPE,
  hold_ms: HoldSchema,
  cooldown_ms: CooldownSchema,
  actions: Type.Array(ActionFileSchema, ACTION_LIMITS),
});
export type RuleFile = Static<typeof RuleFileSchema>;

/** Names for points, for the conditions of rules. */
export const AliasesFileSchema = Type.Record(
  Type.String({ minLength: 1, maxLength: 128 }),
  Type.String({ description: 'address of the point', examples: ['comsrv:1001:T:1'] }),
);
export type AliasesFile = Static<typeof AliasesFileSchema>;
