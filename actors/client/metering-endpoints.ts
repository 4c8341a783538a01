import Type from 'typebox';
import { endpoint } from './endpoint.js';
import {
  HeldReadingSchema,
  MeterCommandSchema,
  MeterIdSchema,
  MeterReadingsPageSchema,
  MeterReadingsQuerySchema,
  MetersPageSchema,
  MetersQuerySchema,
  MeterViewSchema,
  NewMeterSchema,
  ReadingsReplySchema,
  SubmitReadingsSchema,
} from './metering.js';

const closed = { additionalProperties: false } as const;
const id = MeterIdSchema;

/** The requests about meters and their readings. */
export const meteringEndpoints = {
  metersList: endpoint('meters', 'list', {
    summary: 'Meters, ascending by id, page by page',
    request: MetersQuerySchema,
    response: MetersPageSchema,
    call: ({ client }, query) => client.metering.list(query),
  }),
  metersGet: endpoint('meters', 'get', {
    summary: 'One meter',
    request: Type.Object({ id }, closed),
    response: MeterViewSchema,
    call: ({ client }, { id }) => client.metering.get(id),
  }),
  metersRegister: endpoint('meters', 'register', {
    summary:
      'Register a meter with its public key or the counter of a channel, wallet and user; the same again answers the same',
    changes: true,
    request: NewMeterSchema,
    response: MeterViewSchema,
    call: ({ client }, meter) => client.metering.register(meter),
  }),
  metersCommand: endpoint('meters', 'command', {
    summary: 'Give a meter another key or owner, revoke it, release or refuse a held reading',
    changes: true,
    request: Type.Object({ id, command: MeterCommandSchema }, closed),
    response: MeterViewSchema,
    call: ({ client }, { id, command }) => client.metering.command(id, command),
  }),
  metersHeld: endpoint('meters', 'held', {
    summary: 'Readings of a meter that wait for a person',
    request: Type.Object({ id }, closed),
    response: Type.Object({ held: Type.Array(HeldReadingSchema) }),
    call: async ({ client }, { id }) => ({ held: await client.metering.held(id) }),
  }),
  metersReadings: endpoint('meters', 'readings', {
    summary: 'What became of the readings of a meter, oldest first, page by page',
    request: Type.Object({ id, ...MeterReadingsQuerySchema.properties }, closed),
    response: MeterReadingsPageSchema,
    call: ({ client }, { id, ...query }) => client.metering.readings(id, query),
  }),
  readingsSubmit: endpoint('meters', 'submit', {
    summary: 'Submit signed readings; a verdict for each, those that are accepted are durable',
    changes: true,
    request: SubmitReadingsSchema,
    response: ReadingsReplySchema,
    call: ({ client }, { readings }) => client.metering.submit(readings),
  }),
} as const;
