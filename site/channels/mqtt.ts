import type { BrokerConfig } from '../broker.js';
import type { JsonPath } from '../json-path.js';
import type { ChannelBase } from '../model.js';

export const RETAINED = ['good', 'stale', 'ignore'] as const;
/** What is made of a message that the broker kept, whose age nobody knows: a good value, a stale one, or nothing. */
export type Retained = (typeof RETAINED)[number];

export const TIME_UNITS = ['s', 'ms', 'us', 'ns'] as const;
export type TimeUnit = (typeof TIME_UNITS)[number];

/** A channel that listens to an MQTT 5 broker. */
export interface MqttChannel extends ChannelBase {
  readonly protocol: 'mqtt';
  readonly broker: BrokerConfig;
  readonly retained: Retained;
  /** How long a write waits for the device's word. */
  readonly writeTimeoutMs: number;
  /** Parallel to `points`. */
  readonly mappings: readonly MqttMapping[];
}

export interface MqttMapping {
  /** Topic filter that values come on; undefined: only written. */
  readonly topic?: string;
  /** Where in a JSON payload the value is; undefined: the payload is the value. */
  readonly value?: JsonPath;
  /** Where the source time is: text as in RFC 3339, or a number since the Unix epoch; undefined: when it came. */
  readonly time?: JsonPath;
  readonly timeUnit: TimeUnit;
  /** Where the quality is; undefined: good. */
  readonly quality?: JsonPath;
  /** Texts that mean 1 and 0, besides the usual ones; also sent as such. */
  readonly on?: string;
  readonly off?: string;
  /** Topic that writes are published on; undefined: only read. */
  readonly commandTopic?: string;
  /** What is published, with `{value}` and `{time}` (ms since the Unix epoch). */
  readonly command: string;
  /** Silence after which the value is stale; 0: never. */
  readonly staleAfterMs: number;
}
