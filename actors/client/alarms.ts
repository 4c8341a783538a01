import Type, { type Static } from 'typebox';
import type { AlarmsUpdate, AlarmsWatchFilter } from './alarm-watch.js';
import { ALARM_CHANGES, ALARM_LEVELS, ALARM_STATES, ALARM_STATUSES, type AlarmRecord } from '../../site/alarms.js';

/** What may be asked about alarms and commanded to them, for every face. Part of the public client. */

function literals<T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
}
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });
const closed = { additionalProperties: false } as const;

/** Longest delay and shelving: a week. */
const MAX_MS = 7 * 86_400_000;
/** The last instant that a Date can hold (ECMA-262, section 21.4.1.1). */
const MAX_MILLIS = 8.64e15;

export const AlarmLevelSchema = literals(ALARM_LEVELS);

export const AlarmViewSchema = Type.Object({
  id: Type.String(),
  source: Type.String({ description: 'where it comes from: a device, a point, a program' }),
  ruleId: Nullable(Type.String({ description: 'the rule that raises it' })),
  title: Type.String(),
  description: Type.String(),
  level: AlarmLevelSchema,
  classification: Nullable(Type.String({ description: 'safety, process, communication …; free text' })),
  group: Type.String({ description: 'alarms with one cause; the source unless told otherwise' }),
  metadata: Type.Record(Type.String(), Type.Unknown()),
  state: literals(ALARM_STATES),
  status: literals(ALARM_STATUSES),
  condition: Type.Boolean({ description: 'whether the condition is there' }),
  since: Millis('when the state was entered'),
  raisedAt: Nullable(Millis('when the episode began')),
  acknowledgedAt: Nullable(Millis('when it was acknowledged')),
  acknowledgedBy: Nullable(Type.String()),
  clearedAt: Nullable(Millis('when its condition went')),
  hidden: Nullable(
    Type.Object(
      { by: Type.String(), reason: Nullable(Type.String()), until: Nullable(Millis('end of the shelving')) },
      { description: 'shelved, suppressed or out of service: by whom, why, until when' },
    ),
  ),
  note: Nullable(Type.String({ description: 'the newest note' })),
  value: Nullable(Type.Number({ description: 'the value that raised it' })),
  occurrences: Type.Integer({ description: 'how often it was raised so far' }),
  escalations: Type.Integer({ description: 'how often it was escalated since it was raised' }),
  change: Type.Object(
    { what: literals(ALARM_CHANGES), by: Type.String(), at: Millis('when') },
    { description: 'what happened last, and who did it' },
  ),
  revision: Type.Integer({ description: 'rises with every change' }),
});
export type AlarmView = AlarmRecord;

export const ALARM_ORDERS = ['newest', 'severity'] as const;
const asked = (description: string) =>
  Type.Optional(
    Type.Number({ description: `${description} (ms since the Unix epoch)`, minimum: 0, maximum: MAX_MILLIS }),
  );

export const AlarmsQuerySchema = Type.Object(
  {
    status: Type.Optional(
      Type.Unsafe<Lowercase<(typeof ALARM_STATUSES)[number]> | (typeof ALARM_STATUSES)[number]>({
        type: 'string',
        enum: [...ALARM_STATUSES.map((status) => status.toLowerCase()), ...ALARM_STATUSES],
      }),
    ),
    state: Type.Optional(literals(ALARM_STATES)),
    level: Type.Optional(AlarmLevelSchema),
    source: Type.Optional(Type.String({ description: 'exactly this source', minLength: 1, maxLength: 256 })),
    ruleId: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    group: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    text: Type.Optional(
      Type.String({ description: 'part of title, description or source, any case', minLength: 1, maxLength: 256 }),
    ),
    from: asked('raised at or after'),
    to: asked('raised before'),
    order: Type.Optional(
      Type.Unsafe<(typeof ALARM_ORDERS)[number]>({
        type: 'string',
        enum: [...ALARM_ORDERS],
        description: 'newest: last raised first (default); severity: most severe first, then newest',
      }),
    ),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10000, default: 100 })),
    cursor: Type.Optional(Type.String({ description: 'nextCursor of the previous page' })),
  },
  closed,
);
export type AlarmsQuery = Static<typeof AlarmsQuerySchema>;
export const AlarmsPageSchema = Type.Object({
  alarms: Type.Array(AlarmViewSchema),
  total: Type.Integer({ description: 'alarms that match, on all pages' }),
  nextCursor: Nullable(Type.String()),
});
export interface AlarmsPage {
  alarms: AlarmView[];
  total: number;
  nextCursor: string | null;
}

const by = Type.String({ minLength: 1, maxLength: 128, description: 'who does it' });
const note = Type.Optional(Type.String({ maxLength: 2000 }));
const reason = Type.Optional(Type.String({ maxLength: 2000 }));
const delay = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: MAX_MS, description }));

export const RaiseAlarmSchema = Type.Object(
  {
    source: Type.String({ minLength: 1, maxLength: 256 }),
    title: Type.String({ minLength: 1, maxLength: 256 }),
    level: AlarmLevelSchema,
    description: Type.Optional(Type.String({ maxLength: 2000 })),
    ruleId: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 128,
        description:
          'source and ruleId name the alarm: raised once an episode. Without it each request is an alarm of its own',
      }),
    ),
    classification: Type.Optional(Type.String({ maxLength: 64 })),
    group: Type.Optional(Type.String({ maxLength: 128 })),
    metadata: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    value: Type.Optional(Type.Number()),
    onDelayMs: delay('the condition must hold so long'),
    offDelayMs: delay('the condition must be gone so long'),
    escalateAfterMs: delay('escalate when it is not acknowledged for so long; 0: never'),
    escalations: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: 'escalations in all; default 1' }),
    ),
    limit: Type.Optional(
      Type.Object(
        {
          value: Type.Number(),
          direction: literals(['high', 'low'] as const),
          deadband: Type.Number({ minimum: 0, description: 'how far a value must come back before the alarm clears' }),
        },
        closed,
      ),
    ),
    by: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'who raises it; default: the source' })),
    commandId: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'makes a repeated request answer the first alarm' }),
    ),
  },
  closed,
);
export type RaiseAlarm = Static<typeof RaiseAlarmSchema>;

/** What each command to an alarm carries. */
export const ALARM_COMMANDS = {
  clear: Type.Object({ by, value: Type.Optional(Type.Number()), reason }, closed),
  acknowledge: Type.Object({ by, note }, closed),
  resolve: Type.Object({ by, note }, closed),
  shelve: Type.Object({ by, forMs: Type.Integer({ minimum: 1000, maximum: MAX_MS }), reason }, closed),
  unshelve: Type.Object({ by }, closed),
  suppress: Type.Object({ by, reason }, closed),
  unsuppress: Type.Object({ by }, closed),
  outOfService: Type.Object({ by, reason }, closed),
  returnToService: Type.Object({ by }, closed),
  note: Type.Object({ by, text: Type.String({ minLength: 1, maxLength: 2000 }) }, closed),
} as const;
export type AlarmCommandName = keyof typeof ALARM_COMMANDS;
export type AlarmCommand = {
  [Name in AlarmCommandName]: { type: Name } & Static<(typeof ALARM_COMMANDS)[Name]>;
}[AlarmCommandName];
/** A command with its name, where one request takes them all. */
export const AlarmCommandSchema = Type.Unsafe<AlarmCommand>({
  anyOf: Object.entries(ALARM_COMMANDS).map(([type, { properties }]) =>
    Type.Object({ type: Type.Unsafe<string>({ type: 'string', enum: [type] }), ...properties }, closed),
  ),
});

export const AlarmJournalEntrySchema = Type.Object({
  seq: Type.Integer({ description: 'sequence in the journal' }),
  at: Millis('when it was accepted'),
  event: Type.String({ description: 'the command, or the delay that passed' }),
  what: literals(ALARM_CHANGES),
  by: Type.String(),
  state: literals(ALARM_STATES),
  text: Nullable(Type.String({ description: 'note or reason given' })),
});
export type AlarmJournalEntry = Static<typeof AlarmJournalEntrySchema>;
export const AlarmJournalSchema = Type.Object({
  entries: Type.Array(AlarmJournalEntrySchema, { description: 'ascending by time' }),
  nextCursor: Nullable(Type.String()),
});
export type AlarmJournal = Static<typeof AlarmJournalSchema>;
export interface AlarmJournalQuery {
  limit?: number;
  cursor?: string;
}

export const AlarmStatisticsQuerySchema = Type.Object(
  {
    operators: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 1, description: 'operators on duty' })),
  },
  closed,
);
export type AlarmStatisticsQuery = Static<typeof AlarmStatisticsQuerySchema>;

const Named = { id: Type.String(), title: Type.String(), source: Type.String(), level: AlarmLevelSchema };
const Counts = Type.Record(Type.String(), Type.Integer());
/** Figures of ANSI/ISA-18.2-2016, section 16, and EEMUA 191: what a healthy alarm system is measured by. */
export const AlarmStatisticsSchema = Type.Object({
  standing: Type.Integer({ description: 'open alarms: raised and not done with' }),
  byLevel: Type.Record(Type.String(), Type.Integer(), { description: 'open alarms by level' }),
  byState: Counts,
  stale: Type.Integer({ description: 'open for more than 24 hours' }),
  raisedPer10Minutes: Type.Object({
    now: Type.Number({ description: 'raised in the last 10 minutes, for each operator' }),
    peak: Type.Number({ description: 'the most of any 10 minutes of the last hour, for each operator' }),
    flood: Type.Boolean({ description: 'more than 10 for each operator in the last 10 minutes' }),
  }),
  topTen: Type.Array(Type.Object({ ...Named, raised: Type.Integer() }), {
    description: 'raised most often in the last hour',
  }),
  chattering: Type.Array(Type.Object({ ...Named, raised: Type.Integer() }), {
    description: 'raised three times or more within a minute of the last hour',
  }),
  firstOut: Type.Array(
    Type.Object({ ...Named, group: Type.String(), raisedAt: Type.Number(), standing: Type.Integer() }),
    { description: 'of each group with two open alarms or more: the one that came first' },
  ),
});
export type AlarmStatistics = Static<typeof AlarmStatisticsSchema>;

/** The part of the public client that deals with alarms. */
export interface AlarmsClient {
  list(query: AlarmsQuery): Promise<AlarmsPage>;
  /** @throws `alarms.not_found` */
  get(id: string): Promise<AlarmView>;
  /** Answers after the journal has it. */
  raise(request: RaiseAlarm): Promise<AlarmView>;
  /** Answers the alarm after the journal has it. @throws `alarms.not_found`, `alarms.state` */
  command(id: string, command: AlarmCommand): Promise<AlarmView>;
  /** Who did what, from the journal. @throws `alarms.not_found` */
  journal(id: string, query: AlarmJournalQuery): Promise<AlarmJournal>;
  statistics(query: AlarmStatisticsQuery): Promise<AlarmStatistics>;
  /**
   * Changes until `signal` aborts, each alarm as it is then. A slow reader gets the newest state of each alarm, and hears
   * when more have changed than can wait for it. Read the list after the watch has begun to know how all of them are.
   */
  watch(filter: AlarmsWatchFilter, signal: AbortSignal): AsyncIterable<AlarmsUpdate>;
}
