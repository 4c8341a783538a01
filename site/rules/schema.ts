import Type, { type Static } from 'typebox';
import { ALARM_LEVELS } from '../alarms.js';
import { closed, millis, tagged, words } from '../config/schema/helpers.js';

export const RULE_ID = '^[A-Za-z0-9_-]{1,64}$';
/** Without wildcards, and not among those that the server and Statewatt keep for themselves. */
export const SUBJECT =
  '^(?!(cmd|timer|due|evt|snap|dead|frame|statewatt|_[A-Za-z0-9]*)\\.)[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$';

const moment = {
  on: Type.Optional(
    words(['fires', 'returns'], {
      default: 'fires',
      description: 'when the rule fires, or when its condition is false again after that',
    }),
  ),
  on_failure: Type.Optional(
    words(['stop', 'continue'], { default: 'stop', description: 'what becomes of the actions after it' }),
  ),
};
const body = Type.Optional(Type.Unknown({ description: 'JSON, sent as `body` with rule, time and values' }));

const ActionFileSchema = tagged(
  'type',
  [
    {
      values: ['write'],
      schema: closed({
        type: words(['write']),
        point: Type.String({ minLength: 1, description: 'a control or adjustment point: address or name' }),
        value: Type.Number(),
        ...moment,
      }),
    },
    {
      values: ['webhook'],
      schema: closed({
        type: words(['webhook']),
        url: Type.String({ pattern: '^https?://[^\\s/]+', description: 'gets a POST with JSON' }),
        body,
        ...moment,
      }),
    },
    {
      values: ['publish'],
      schema: closed({
        type: words(['publish']),
        subject: Type.String({ pattern: SUBJECT, maxLength: 255, description: 'NATS subject without wildcards' }),
        body,
        ...moment,
      }),
    },
    {
      values: ['alarm'],
      schema: closed({
        type: words(['alarm']),
        level: words(ALARM_LEVELS, { description: 'how severe it is' }),
        title: Type.Optional(
          Type.String({ minLength: 1, maxLength: 256, description: 'for people; default: the name of the rule' }),
        ),
        description: Type.Optional(Type.String({ maxLength: 2_000 })),
        classification: Type.Optional(Type.String({ maxLength: 64, description: 'safety, process, communication …' })),
        group: Type.Optional(
          Type.String({ maxLength: 128, description: 'alarms with one cause; default: the source' }),
        ),
        source: Type.Optional(
          Type.String({ minLength: 1, maxLength: 256, description: 'where it comes from; default: `rule:<id>`' }),
        ),
        clears: Type.Optional(
          Type.Boolean({ default: true, description: 'it is cleared when the condition is false again' }),
        ),
        on_failure: moment.on_failure,
      }),
    },
  ],
  { description: 'something that the rule does' },
);

/** A rule as site.yaml writes it. */
export const RuleFileSchema = closed({
  id: Type.String({ pattern: RULE_ID, description: 'unique in the site: 1 to 64 of A-Z a-z 0-9 _ -' }),
  name: Type.Optional(Type.String({ minLength: 1, description: 'for people; default: the id' })),
  description: Type.Optional(Type.String()),
  enabled: Type.Optional(Type.Boolean({ default: true })),
  priority: Type.Optional(
    Type.Integer({ minimum: -1000, maximum: 1000, default: 0, description: 'higher ones first' }),
  ),
  condition: Type.String({ minLength: 1, description: 'an expression, see docs/expressions.md' }),
  hold_ms: Type.Optional(
    millis('how long the condition must be true before the rule fires', { minimum: 0, default: 0 }),
  ),
  cooldown_ms: Type.Optional(millis('least time between two firings', { minimum: 0, default: 0 })),
  deadband: Type.Optional(
    Type.Number({
      minimum: 0,
      default: 0,
      description: 'a threshold stays passed until the value is back by this much',
    }),
  ),
  actions: Type.Array(ActionFileSchema, { minItems: 1, maxItems: 50, description: 'taken one after the other' }),
});
export type RuleFile = Static<typeof RuleFileSchema>;

/** Names for points, for the conditions of rules. */
export const AliasesFileSchema = Type.Record(
  Type.String({ minLength: 1, maxLength: 128 }),
  Type.String({ description: 'address of the point', examples: ['comsrv:1001:T:1'] }),
);
export type AliasesFile = Static<typeof AliasesFileSchema>;
