import type { BrokerConfig, TlsFiles } from '../broker.js';
import type { PointPattern } from './pattern.js';

export const FORWARDER_TYPES = ['mqtt', 'http', 'nats'] as const;
export type ForwarderType = (typeof FORWARDER_TYPES)[number];
export const PAYLOADS = ['point', 'value', 'batch'] as const;
/** point: JSON of one point a message. value: only its value as text. batch: JSON of many points a message. */
export type Payload = (typeof PAYLOADS)[number];

/** Which readings of a point are sent. */
export type Sending =
  | { readonly mode: 'all' }
  /** Those whose quality is another, or whose value moved by the deadband at least, since the last that was sent. */
  | { readonly mode: 'change'; readonly deadband: number }
  /** The first of each interval, by source time. */
  | { readonly mode: 'interval'; readonly intervalMs: number };

/** What is sent of the points that match, and under which name. */
export interface PointRule {
  readonly match: PointPattern;
  /** A template (template.ts); without it the point’s own name. */
  readonly name?: string;
  readonly unit?: string;
  /** value sent = value · scale + offset; for numbers only. */
  readonly scale: number;
  readonly offset: number;
}

interface ForwarderBase {
  /** 1 to 64 of A-Z a-z 0-9 _ -; the id of its actor, and the name of its position. */
  readonly id: string;
  readonly name: string;
  readonly enabled: boolean;
  /** The first that matches a point counts; a point that none matches is not sent. */
  readonly points: readonly PointRule[];
  readonly send: Sending;
  readonly payload: Payload;
  readonly batch: {
    /** A batch with so many points is sent at once. A frame is never cut. */
    readonly points: number;
    /** ms between two looks at the stream when all is sent: the longest that a reading waits. */
    readonly waitMs: number;
  };
  /** Bounds catching up. */
  readonly maxPointsPerSecond: number;
  /** Where a forwarder begins that has never sent: with what comes, or with the oldest that the stream holds. */
  readonly begin: 'now' | 'oldest';
}

export interface MqttForwarder extends ForwarderBase {
  readonly type: 'mqtt';
  readonly broker: BrokerConfig;
  /** A template. */
  readonly topic: string;
  readonly retain: boolean;
}

export interface HttpForwarder extends ForwarderBase {
  readonly type: 'http';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsFiles;
  readonly timeoutMs: number;
}

export interface NatsForwarder extends ForwarderBase {
  readonly type: 'nats';
  /** One server, or several, comma separated. */
  readonly url: string;
  /** Absolute path of a .creds file. */
  readonly credentials?: string;
  readonly tls: TlsFiles;
  /** A template. */
  readonly subject: string;
  /** A stream must take the messages, and acknowledges them; false: whoever listens gets them. */
  readonly jetstream: boolean;
}

/** One target outside that readings are forwarded to. Texts may refer to environment variables. */
export type Forwarder = MqttForwarder | HttpForwarder | NatsForwarder;
