import Type, { type Static } from 'typebox';
import { ForwarderFileSchema } from '../../forwarding/schema.js';
import { MappingFileSchema as StorageFileSchema } from '../../history/schema.js';
import { ChannelSchema } from './channel.js';
import { ModelFileSchema } from '../../models/schema.js';
import { NotificationFileSchema } from '../../notifications/schema.js';
import { AliasesFileSchema, RuleFileSchema } from '../../rules/schema.js';
import { MeterFileSchema } from './meters.js';
import { TokenizationFileSchema } from './tokenization.js';
import { closed, millis } from './helpers.js';

export const SITE_DEFAULTS = {
  maxConcurrentConnections: 4096,
  connectionTimeoutMs: 5000,
  pollingIntervalMs: 1000,
  history: { rawDays: 30, minuteDays: 365, hourDays: 1825, dayDays: 3650 },
  keepConfigurations: 100,
} as const;
const D = SITE_DEFAULTS;

const Defaults = closed({
  max_concurrent_connections: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65535,
      default: D.maxConcurrentConnections,
      description: 'links open at once on one node',
    }),
  ),
  connection_timeout_ms: Type.Optional(millis('time to open a link', { default: D.connectionTimeoutMs })),
  polling_interval_ms: Type.Optional(
    millis('time between two polls of channels that name none', { minimum: 10, default: D.pollingIntervalMs }),
  ),
});

const days = (what: string, fallback: number) =>
  Type.Optional(
    Type.Integer({ minimum: 1, maximum: 36_500, default: fallback, description: `days that ${what} are kept` }),
  );

const unused = Type.Optional(Type.Unknown({ description: 'VoltageEMS; not used' }));

/** A site file as written. The one source of its types, its validation and the JSON Schema for editors. */
export const SiteFileSchema = closed({
  site: Type.Optional(Type.String({ minLength: 1, description: 'name of the site; default: the folder’s name' })),
  timezone: Type.Optional(
    Type.String({
      minLength: 1,
      description: 'time zone of times of day and weekdays in conditions, an IANA name; default: that of the machine',
      examples: ['Europe/Berlin'],
    }),
  ),
  defaults: Type.Optional(Defaults),
  watch_files: Type.Optional(Type.Boolean({ default: true, description: 'reload when this file or a table changes' })),
  keep_configurations: Type.Optional(
    Type.Integer({
      minimum: 2,
      maximum: 1000,
      default: D.keepConfigurations,
      description: 'earlier configurations that are kept, to look at and to put back',
    }),
  ),
  service_ports: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65529,
      description: 'first of the ports on which each service is served on its own too; STATEWATT_SERVICE_PORTS wins',
      examples: [6000],
    }),
  ),
  history: Type.Optional(
    closed({
      raw_days: days('raw values', D.history.rawDays),
      minute_days: days('1-minute means', D.history.minuteDays),
      hour_days: days('1-hour means', D.history.hourDays),
      day_days: days('1-day means', D.history.dayDays),
      mapping: Type.Optional(
        Type.Array(StorageFileSchema, {
          maxItems: 1_000,
          description: 'what is stored of which points; the first that matches a point counts; default: everything',
        }),
      ),
    }),
  ),
  channels: Type.Array(ChannelSchema, { description: 'the devices of the site' }),
  templates: Type.Optional(
    Type.Array(Type.String({ minLength: 1 }), {
      description:
        'files with templates of one’s own, relative to the site file: YAML, JSON or a SunSpec model in JSON',
    }),
  ),
  models: Type.Optional(Type.Array(ModelFileSchema, { description: 'equipment, made from templates' })),
  aliases: Type.Optional(AliasesFileSchema),
  rules: Type.Optional(Type.Array(RuleFileSchema, { description: 'what is done when a condition becomes true' })),
  notifications: Type.Optional(Type.Array(NotificationFileSchema, { description: 'who is told of alarms' })),
  forwarding: Type.Optional(Type.Array(ForwarderFileSchema, { description: 'where readings are sent to' })),
  tokenization: Type.Optional(TokenizationFileSchema),
  meters: Type.Optional(
    Type.Array(MeterFileSchema, { maxItems: 10_000, description: 'meters that are counters of channels' }),
  ),

  name: Type.Optional(Type.String({ minLength: 1, description: 'VoltageEMS: name of the site' })),
  global_config: Type.Optional(Defaults),
  file_watch_enabled: Type.Optional(Type.Boolean({ description: 'VoltageEMS: watch_files' })),
  csv_base_path: Type.Optional(
    Type.String({ description: 'VoltageEMS: folder of the tables; the site file’s own where there is no such folder' }),
  ),
  version: unused,
  description: unused,
  service: unused,
  api: unused,
  redis: unused,
  logging: unused,
  lua_sync: unused,
  command_trigger: unused,
});
export type SiteFile = Static<typeof SiteFileSchema>;

/** The JSON Schema of site.yaml for editors, as text: schemas/site.schema.json. */
export function siteJsonSchema(): string {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Statewatt site',
    description:
      'A site: its channels, where their point tables are, and how long history is kept. See docs/configuration.md.',
    ...SiteFileSchema,
    examples: [
      {
        site: 'demo',
        channels: [
          { id: 1001, protocol: 'modbus', address: '192.168.1.100:502', tables: 'meter' },
          { id: 1002, protocol: 'virtual', simulation: { site_model: {} } },
        ],
      },
    ],
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
