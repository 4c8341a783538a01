import Type from 'typebox';
import { AlarmsQuerySchema, RaiseAlarmSchema } from '../../../actors/client/alarms.js';
import type { StatewattClient } from '../../../actors/client/client.js';
import { toAlarmsrv } from '../../../site/alarm-view.js';
import { operates, reads } from '../access/needs.js';
import { signs } from '../access/signed.js';
import type { HttpApp } from '../app.js';
import { AlarmParams, errorAnswers } from '../schemas.js';

/** Who acts when a request does not say. */
const UNNAMED = 'operator';

const { title, level, source, metadata } = RaiseAlarmSchema.properties;
const { status, limit } = AlarmsQuerySchema.properties;
const closed = { additionalProperties: false } as const;
const notes = Type.Optional(Type.String({ maxLength: 2000 }));
const who = Type.Optional(Type.String({ minLength: 1, maxLength: 128 }));
const text = Type.String();
const nullable = Type.Union([Type.String(), Type.Null()]);

const RaiseBody = Type.Object(
  { title, description: Type.Optional(Type.String({ maxLength: 2000 })), level, source, metadata },
  closed,
);
const Query = Type.Object(
  { status, level: AlarmsQuerySchema.properties.level, source: AlarmsQuerySchema.properties.source, limit },
  closed,
);
const Alarm = Type.Object({
  id: text,
  title: text,
  description: text,
  level: text,
  source: text,
  status: text,
  metadata: Type.Record(Type.String(), Type.Unknown()),
  created_at: nullable,
  updated_at: nullable,
  acknowledged_by: nullable,
  acknowledged_at: nullable,
  resolved_at: nullable,
  notes: nullable,
});

/** Alarms in the form that VoltageEMS's clients know: bare lists, snake case, times as ISO 8601 text. */
export function alarmsrvRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['alarms'];
  app.get(
    '/alarms',
    {
      config: reads,
      schema: {
        operationId: 'alarmsrvList',
        summary: 'VoltageEMS: alarms, newest first',
        tags,
        querystring: Query,
        response: { 200: Type.Array(Alarm), ...errorAnswers },
      },
    },
    async (request) => (await client.alarms.list(request.query)).alarms.map(toAlarmsrv),
  );

  app.post(
    '/alarms',
    {
      config: operates,
      schema: {
        operationId: 'alarmsrvRaise',
        summary: 'VoltageEMS: raise an alarm',
        tags,
        body: RaiseBody,
        response: { 201: Alarm, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(toAlarmsrv(await client.alarms.raise(request.body))),
  );

  app.get(
    '/alarms/:id',
    {
      config: reads,
      schema: {
        operationId: 'alarmsrvGet',
        summary: 'VoltageEMS: one alarm',
        tags,
        params: AlarmParams,
        response: { 200: Alarm, ...errorAnswers },
      },
    },
    async (request) => toAlarmsrv(await client.alarms.get(request.params.id)),
  );

  app.post(
    '/alarms/:id/acknowledge',
    {
      config: operates,
      preValidation: signs('acknowledged_by'),
      schema: {
        operationId: 'alarmsrvAcknowledge',
        summary: 'VoltageEMS: acknowledge an alarm',
        tags,
        params: AlarmParams,
        body: Type.Object({ acknowledged_by: who, notes }, closed),
        response: { 200: Alarm, ...errorAnswers },
      },
    },
    async (request) => {
      const { acknowledged_by: by = UNNAMED, notes: note } = request.body;
      const command = { type: 'acknowledge', by, ...(note === undefined ? {} : { note }) } as const;
      return toAlarmsrv(await client.alarms.command(request.params.id, command));
    },
  );

  app.post(
    '/alarms/:id/resolve',
    {
      config: operates,
      preValidation: signs('resolved_by'),
      schema: {
        operationId: 'alarmsrvResolve',
        summary: 'VoltageEMS: resolve an alarm',
        tags,
        params: AlarmParams,
        body: Type.Object({ resolved_by: who, notes }, closed),
        response: { 200: Alarm, ...errorAnswers },
      },
    },
    async (request) => {
      const { resolved_by: by = UNNAMED, notes: note } = request.body;
      const command = { type: 'resolve', by, ...(note === undefined ? {} : { note }) } as const;
      return toAlarmsrv(await client.alarms.command(request.params.id, command));
    },
  );
}
