import type { StatewattClient } from '../../../actors/client/client.js';
import {
  ALARM_COMMANDS,
  AlarmsQuerySchema,
  AlarmStatisticsQuerySchema,
  RaiseAlarmSchema,
  type AlarmCommand,
  type AlarmCommandName,
} from '../../../actors/client/alarms.js';
import { operates, reads } from '../access/needs.js';
import { signs } from '../access/signed.js';
import type { HttpApp } from '../app.js';
import {
  AlarmJournal,
  AlarmJournalRange,
  AlarmParams,
  AlarmsPage,
  AlarmStatistics,
  AlarmView,
  errorAnswers,
} from '../schemas.js';

/** Each command with its path and what it does. */
const COMMANDS: Readonly<Record<AlarmCommandName, readonly [path: string, summary: string]>> = {
  acknowledge: ['acknowledge', 'Acknowledge an alarm: somebody deals with it'],
  resolve: ['resolve', 'Be done with an alarm: gone and acknowledged at once'],
  clear: ['clear', 'Say that the condition of an alarm is gone'],
  shelve: ['shelve', 'Hide an alarm for a time'],
  unshelve: ['unshelve', 'End the shelving of an alarm'],
  suppress: ['suppress', 'Suppress an alarm by design: it means nothing in this mode of the plant'],
  unsuppress: ['unsuppress', 'End the suppression of an alarm'],
  outOfService: ['out-of-service', 'Take an alarm out of service, for maintenance of its source'],
  returnToService: ['return-to-service', 'Return an alarm to service'],
  note: ['notes', 'Add a note to an alarm'],
};

/** Alarms: lists, figures, who did what, and the commands of operators. */
export function alarmRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['alarms'];
  app.get(
    '/alarms',
    {
      config: reads,
      schema: {
        operationId: 'listAlarms',
        summary: 'Alarms, newest or most severe first, page by page',
        tags,
        querystring: AlarmsQuerySchema,
        response: { 200: AlarmsPage, ...errorAnswers },
      },
    },
    (request) => client.alarms.list(request.query),
  );

  app.post(
    '/alarms',
    {
      config: operates,
      preValidation: signs('by'),
      schema: {
        operationId: 'raiseAlarm',
        summary: 'Raise an alarm; answers it once it is durable',
        tags,
        body: RaiseAlarmSchema,
        response: { 201: AlarmView, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(await client.alarms.raise(request.body)),
  );

  app.get(
    '/alarms/statistics',
    {
      config: reads,
      schema: {
        operationId: 'getAlarmStatistics',
        summary: 'Figures of the alarm system: standing, stale, chattering, rates, floods, first-out',
        tags,
        querystring: AlarmStatisticsQuerySchema,
        response: { 200: AlarmStatistics, ...errorAnswers },
      },
    },
    (request) => client.alarms.statistics(request.query),
  );

  app.get(
    '/alarms/:id',
    {
      config: reads,
      schema: {
        operationId: 'getAlarm',
        summary: 'One alarm',
        tags,
        params: AlarmParams,
        response: { 200: AlarmView, ...errorAnswers },
      },
    },
    (request) => client.alarms.get(request.params.id),
  );

  app.get(
    '/alarms/:id/journal',
    {
      config: reads,
      schema: {
        operationId: 'getAlarmJournal',
        summary: 'Who did what with an alarm, ascending by time, page by page',
        tags,
        params: AlarmParams,
        querystring: AlarmJournalRange,
        response: { 200: AlarmJournal, ...errorAnswers },
      },
    },
    (request) => client.alarms.journal(request.params.id, request.query),
  );

  for (const name of Object.keys(COMMANDS) as AlarmCommandName[]) {
    const [path, summary] = COMMANDS[name];
    app.post(
      `/alarms/:id/${path}`,
      {
        config: operates,
        preValidation: signs('by'),
        schema: {
          operationId: `${name}Alarm`,
          summary: `${summary}; answers the alarm once that is durable`,
          tags,
          params: AlarmParams,
          body: ALARM_COMMANDS[name],
          response: { 200: AlarmView, ...errorAnswers },
        },
      },
      (request) => client.alarms.command(request.params.id, { type: name, ...request.body } as AlarmCommand),
    );
  }
}
