import Type from 'typebox';
import {
  AlarmCommandSchema,
  AlarmJournalSchema,
  AlarmsPageSchema,
  AlarmsQuerySchema,
  AlarmStatisticsQuerySchema,
  AlarmStatisticsSchema,
  AlarmViewSchema,
  RaiseAlarmSchema,
  type AlarmsPage,
  type AlarmView,
} from './alarms.js';
import { subjects } from '../../bus/subjects.js';
import { endpoint, LeaseSchema } from './endpoint.js';

const closed = { additionalProperties: false } as const;
const id = Type.String({ description: 'of the alarm', minLength: 1, maxLength: 128 });
const { limit, cursor } = AlarmsQuerySchema.properties;
/** The record's own type is richer than its schema says. */
const View = Type.Unsafe<AlarmView>(AlarmViewSchema);

/** The requests about alarms. */
export const alarmEndpoints = {
  alarmsList: endpoint('alarms', 'list', {
    summary: 'Alarms, newest or most severe first, page by page',
    request: AlarmsQuerySchema,
    response: Type.Unsafe<AlarmsPage>(AlarmsPageSchema),
    call: ({ client }, query) => client.alarms.list(query),
  }),
  alarmsGet: endpoint('alarms', 'get', {
    summary: 'One alarm',
    request: Type.Object({ id }, closed),
    response: View,
    call: ({ client }, { id }) => client.alarms.get(id),
  }),
  alarmsRaise: endpoint('alarms', 'raise', {
    summary: 'Raise an alarm; answers it once it is durable',
    changes: true,
    request: RaiseAlarmSchema,
    response: View,
    call: ({ client }, request) => client.alarms.raise(request),
  }),
  alarmsCommand: endpoint('alarms', 'command', {
    summary: 'Acknowledge, shelve, clear … an alarm; answers it once the command is durable',
    changes: true,
    request: Type.Object({ id, command: AlarmCommandSchema }, closed),
    response: View,
    call: ({ client }, { id, command }) => client.alarms.command(id, command),
  }),
  alarmsJournal: endpoint('alarms', 'journal', {
    summary: 'Who did what with an alarm, ascending by time, page by page',
    request: Type.Object({ id, limit, cursor }, closed),
    response: AlarmJournalSchema,
    call: ({ client }, { id, ...query }) => client.alarms.journal(id, query),
  }),
  alarmsStatistics: endpoint('alarms', 'statistics', {
    summary: 'Figures of the alarm system: standing, stale, chattering, rates, floods, first-out',
    request: AlarmStatisticsQuerySchema,
    response: AlarmStatisticsSchema,
    call: ({ client }, query) => client.alarms.statistics(query),
  }),
  alarmsWatch: endpoint('alarms', 'watch', {
    summary: 'Have changed alarms published on the subject in the answer; ask again before leaseMs have passed',
    request: Type.Object({}, closed),
    response: LeaseSchema,
    call: ({ watchAlarms }) => Promise.resolve(watchAlarms()),
  }),
} as const;

/** A changed alarm is published on this subject while there is a lease; `*` for any level or source. */
export const liveAlarmSubject = subjects.liveAlarm;
