import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  METER_COMMANDS,
  MeterIdSchema,
  MeterReadingsQuerySchema,
  MetersQuerySchema,
  NewMeterSchema,
  type MeterCommand,
  type MeterCommandName,
} from '../../../actors/client/metering.js';
import { configures, operates, reads } from '../access/needs.js';
import { signs } from '../access/signed.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, HeldReadings, MeterReadingsPage, MetersPage, MeterView } from '../schemas.js';

const MeterParams = Type.Object({ id: MeterIdSchema });

/** Each command with what it needs and what it does. */
const COMMANDS: Readonly<
  Record<MeterCommandName, readonly [needs: typeof operates | typeof configures, what: string]>
> = {
  rotate: [configures, 'Give a meter another key; the former one is taken for 24 hours more'],
  reassign: [configures, 'Give a meter another wallet and user, for readings from now on'],
  revoke: [configures, 'Take no more readings of a meter, for ever'],
  release: [operates, 'Let a held reading through'],
  refuse: [operates, 'Refuse a held reading'],
};

/** Meters: registration, keys, owners, and readings that wait for a person. */
export function meterRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['meters'];
  app.get(
    '/meters',
    {
      config: reads,
      schema: {
        operationId: 'listMeters',
        summary: 'Meters, ascending by id, page by page',
        tags,
        querystring: MetersQuerySchema,
        response: { 200: MetersPage, ...errorAnswers },
      },
    },
    (request) => client.metering.list(request.query),
  );

  app.post(
    '/meters',
    {
      config: configures,
      schema: {
        operationId: 'registerMeter',
        summary:
          'Register a meter with its public key or the counter of a channel, wallet and user; the same again answers the same',
        tags,
        body: NewMeterSchema,
        response: { 201: MeterView, ...errorAnswers },
      },
    },
    async (request, reply) => reply.code(201).send(await client.metering.register(request.body)),
  );

  app.get(
    '/meters/:id',
    {
      config: reads,
      schema: {
        operationId: 'getMeter',
        summary: 'One meter',
        tags,
        params: MeterParams,
        response: { 200: MeterView, ...errorAnswers },
      },
    },
    (request) => client.metering.get(request.params.id),
  );

  app.get(
    '/meters/:id/held',
    {
      config: reads,
      schema: {
        operationId: 'listHeldReadings',
        summary: 'Readings of a meter that wait for a person',
        tags,
        params: MeterParams,
        response: { 200: HeldReadings, ...errorAnswers },
      },
    },
    async (request) => ({ held: await client.metering.held(request.params.id) }),
  );

  app.get(
    '/meters/:id/readings',
    {
      config: reads,
      schema: {
        operationId: 'listMeterReadings',
        summary: 'What became of the readings of a meter, oldest first, page by page',
        tags,
        params: MeterParams,
        querystring: MeterReadingsQuerySchema,
        response: { 200: MeterReadingsPage, ...errorAnswers },
      },
    },
    (request) => client.metering.readings(request.params.id, request.query),
  );

  for (const name of Object.keys(COMMANDS) as MeterCommandName[]) {
    const [needs, what] = COMMANDS[name];
    app.post(
      `/meters/:id/${name}`,
      {
        config: needs,
        preValidation: signs('by'),
        schema: {
          operationId: `${name}Meter`,
          summary: `${what}; answers the meter once that is durable`,
          tags,
          params: MeterParams,
          body: METER_COMMANDS[name],
          response: { 200: MeterView, ...errorAnswers },
        },
      },
      (request) => client.metering.command(request.params.id, { type: name, ...request.body } as MeterCommand),
    );
  }
}
