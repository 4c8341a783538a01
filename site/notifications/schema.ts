import Type, { type Static } from 'typebox';
import { ALARM_LEVELS } from '../alarms.js';
import { closed, tagged, words } from '../config/schema/helpers.js';
import { RULE_ID, SUBJECT } from '../rules/schema.js';
import { NOTIFIED_CHANGES } from './target.js';

/** What a target is told unless its file says otherwise. */
export const NOTIFICATION_DEFAULTS = {
  changes: ['raised', 'escalated', 'resolved'],
  perMinute: 10,
  quietLevels: ['Minor', 'Warning', 'Info'],
} as const;

const pattern = (what: string) =>
  Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
      minItems: 1,
      maxItems: 100,
      description: `only of ${what} that match one of these; \`*\` stands for any characters`,
    }),
  );
const levels = (description: string) => Type.Optional(Type.Array(words(ALARM_LEVELS), { minItems: 1, description }));
const time = (description: string) =>
  Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description, examples: ['22:00'] });
const file = (description: string) => Type.Optional(Type.String({ minLength: 1, description }));
const address = Type.String({
  pattern: '^[^\\r\\n]*[^\\s@<>]+@[^\\s@<>]+>?$',
  maxLength: 320,
  examples: ['Duty <duty@example.com>'],
});

const common = {
  id: Type.String({ pattern: RULE_ID, description: 'unique among the targets: 1 to 64 of A-Z a-z 0-9 _ -' }),
  levels: levels('only of these levels'),
  sources: pattern('sources'),
  groups: pattern('groups'),
  changes: Type.Optional(
    Type.Array(words(NOTIFIED_CHANGES), {
      minItems: 1,
      default: NOTIFICATION_DEFAULTS.changes,
      description: 'what it is told; resolved: nothing is left to do about the alarm',
    }),
  ),
  per_minute: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 60,
      default: NOTIFICATION_DEFAULTS.perMinute,
      description: 'messages in a minute; what is more comes as one message when the minute is over',
    }),
  ),
  quiet_hours: Type.Optional(
    closed(
      {
        from: time('time of day'),
        to: time('time of day; earlier than `from`: over midnight'),
        time_zone: Type.Optional(
          Type.String({ description: 'IANA name; default: that of the machine', examples: ['Europe/Berlin'] }),
        ),
        levels: levels('levels that wait; default: Minor, Warning, Info'),
      },
      { description: 'a time of each day whose alarms come as one message at its end' },
    ),
  ),
};

/** Somebody who is told of alarms, as site.yaml writes it. */
export const NotificationFileSchema = tagged(
  'type',
  [
    {
      values: ['webhook'],
      schema: closed({
        type: words(['webhook']),
        url: Type.String({ pattern: '^https?://[^\\s/]+', description: 'gets a POST with JSON' }),
        secret_file: file('file with the secret that signs the requests (Standard Webhooks), beside the site file'),
        ...common,
      }),
    },
    {
      values: ['mail'],
      schema: closed({
        type: words(['mail']),
        server: Type.String({
          pattern: '^smtps?://[^\\s/@]+$',
          description: 'SMTP server; smtps: TLS from the start, smtp: STARTTLS where the server has it',
          examples: ['smtp://mail.example.com:587'],
        }),
        user: Type.Optional(Type.String({ minLength: 1, description: 'name at the server' })),
        password_file: file('file with the password, beside the site file'),
        from: address,
        to: Type.Array(address, { minItems: 1, maxItems: 50 }),
        ...common,
      }),
    },
    {
      values: ['nats'],
      schema: closed({
        type: words(['nats']),
        subject: Type.String({ pattern: SUBJECT, maxLength: 255, description: 'NATS subject without wildcards' }),
        stream: Type.Optional(
          Type.Boolean({
            default: false,
            description: 'a JetStream stream takes it: tried until one has; else it goes to whoever subscribes now',
          }),
        ),
        ...common,
      }),
    },
  ],
  { description: 'somebody who is told of alarms' },
);
export type NotificationFile = Static<typeof NotificationFileSchema>;
