import Type, { type Static } from 'typebox';
import { FIRST_MODEL_CHANNEL } from '../../models/address.js';
import { MAX_POINT_ID, POINT_KINDS } from '../../points.js';
import { DATA_TYPE_WORDS } from '../point-table.js';
import { closed, millis, words } from './helpers.js';

export const intervalMs = millis('time between two polls; wins over the site’s own', { minimum: 10 });

/** Of channels whose values come by themselves. */
export const PushPolling = closed({
  interval_ms: Type.Optional(
    millis('time after which what has come is reported; wins over the site’s own', { minimum: 10 }),
  ),
});

const file = (what: string) =>
  Type.Optional(Type.String({ description: `${what}; relative to the route, empty = none` }));
const TableConfig = closed(
  {
    four_telemetry_route: Type.Optional(
      Type.String({ description: 'folder of the point tables, relative to the site file' }),
    ),
    four_telemetry_files: Type.Optional(
      closed({
        telemetry_file: file('telemetry table'),
        signal_file: file('signal table'),
        control_file: file('control table'),
        adjustment_file: file('adjustment table'),
      }),
    ),
    protocol_mapping_route: Type.Optional(Type.String({ description: 'folder of the mapping tables' })),
    protocol_mapping_files: Type.Optional(
      closed({
        telemetry_mapping: file('mapping of telemetry'),
        signal_mapping: file('mapping of signals'),
        control_mapping: file('mapping of controls'),
        adjustment_mapping: file('mapping of adjustments'),
      }),
    ),
  },
  { description: 'VoltageEMS: the tables one by one' },
);
export type TableConfigFile = Static<typeof TableConfig>;

/** The keys of every point. */
export const pointKeys = {
  id: Type.Integer({ minimum: 1, maximum: MAX_POINT_ID, description: 'unique within the kind of the channel' }),
  kind: Type.Optional(
    words(POINT_KINDS, { default: 'T', description: 'T telemetry, S signal, C control, A adjustment' }),
  ),
  name: Type.String({ minLength: 1 }),
  unit: Type.Optional(Type.String({ examples: ['kW'] })),
  data_type: Type.Optional(
    words([...DATA_TYPE_WORDS.keys()], {
      description: 'encoding; float = float32, int = int16; default float32, bool for S and C',
    }),
  ),
  scale: Type.Optional(Type.Number({ default: 1, description: 'T and A: value = raw · scale + offset' })),
  offset: Type.Optional(Type.Number({ default: 0 })),
  reverse: Type.Optional(Type.Boolean({ default: false, description: 'S and C: the state is inverted' })),
  deadband: Type.Optional(Type.Number({ minimum: 0, default: 0, description: 'a smaller change is not reported' })),
  min: Type.Optional(Type.Number({ description: 'below it the value is out of range, and a write is refused' })),
  max: Type.Optional(Type.Number({ description: 'above it the value is out of range, and a write is refused' })),
};
/** The keys of every channel; how often it is polled is said by each protocol. */
export const channelKeys = {
  id: Type.Integer({
    minimum: 1,
    maximum: FIRST_MODEL_CHANNEL - 1,
    description: 'unique within the site',
    examples: [1001],
  }),
  name: Type.Optional(Type.String({ minLength: 1, description: 'default: "channel <id>"' })),
  description: Type.Optional(Type.String()),
  enabled: Type.Optional(Type.Boolean({ default: true, description: 'false: known, but not started' })),
  tables: Type.Optional(
    Type.String({ minLength: 1, description: 'folder of the CSV tables, relative to the site file' }),
  ),
  table_config: Type.Optional(TableConfig),
  logging: Type.Optional(Type.Unknown({ description: 'VoltageEMS; not used' })),
};
