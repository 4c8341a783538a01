import Type, { type Static } from 'typebox';
import { closed, millis } from './helpers.js';

export const BROKER_DEFAULTS = { connectTimeoutMs: 5000, keepAliveS: 30 } as const;

/** Said of texts that may hold a secret. */
export const REFERENCE = '`${NAME}` stands for the environment variable NAME';

const file = (description: string) =>
  Type.Optional(
    Type.String({ minLength: 1, description: `${description}, a PEM file; relative to the site file’s folder` }),
  );

/** Files of a TLS connection. */
export const TlsFileSchema = closed(
  {
    ca: file('authority that signed the certificate of the other side'),
    cert: file('certificate to show; with key'),
    key: file('its key; with cert'),
    verify: Type.Optional(Type.Boolean({ default: true, description: 'false: any certificate will do' })),
  },
  { description: 'TLS' },
);
export type TlsFile = Static<typeof TlsFileSchema>;

/** The keys that say how an MQTT broker is reached. */
export const brokerKeys = {
  url: Type.String({
    pattern: '^(mqtts?|wss?)://[^\\s]+$',
    description: 'MQTT 5 broker: mqtt:// (port 1883), mqtts:// (8883), ws:// or wss://',
    examples: ['mqtts://broker.example.org:8883'],
  }),
  username: Type.Optional(Type.String({ minLength: 1, description: REFERENCE })),
  password: Type.Optional(Type.String({ minLength: 1, description: REFERENCE, examples: ['${MQTT_PASSWORD}'] })),
  client_id: Type.Optional(Type.String({ minLength: 1, maxLength: 256, description: 'unique at the broker' })),
  tls: Type.Optional(TlsFileSchema),
  connect_timeout_ms: Type.Optional(
    millis('time to open the connection', { default: BROKER_DEFAULTS.connectTimeoutMs }),
  ),
  keep_alive_s: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65_535,
      default: BROKER_DEFAULTS.keepAliveS,
      description: 'time without a packet after which a ping is sent (s)',
    }),
  ),
};
export const BrokerFileSchema = closed(brokerKeys, { description: 'the MQTT broker' });
export type BrokerFile = Static<typeof BrokerFileSchema>;
