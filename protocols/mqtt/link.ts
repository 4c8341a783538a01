import type { IClientOptions, MqttClient } from 'mqtt';
import { errorMessage } from '../../errors/error.js';
import type { BrokerConfig } from '../../site/broker.js';
import { resolveReferences } from '../../site/environment-reference.js';
import { LinkError, ProtocolError } from '../driver.js';
import { readTlsFiles } from '../tls-files.js';

/** MQTT 5, section 3.4.2.1: what a broker says that will never take a message. */
const REFUSED = new Set([0x90, 0x95, 0x99]); // Topic Name invalid, Packet too large, Payload format invalid
/** Messages under way at once when the broker allows more. */
const MAX_UNDER_WAY = 100;
const CLOSE_MS = 2_000;

export interface Received {
  readonly topic: string;
  readonly payload: Buffer;
  /** The broker has kept it for whoever subscribes. */
  readonly retained: boolean;
}

export interface LinkOptions {
  /** Ends an opening that is under way. */
  readonly signal?: AbortSignal;
  readonly onMessage?: (message: Received) => void;
  /** The connection has ended by itself. Called once, and not for `close`. */
  readonly onLost?: (error: LinkError) => void;
}

export interface Publication {
  readonly topic: string;
  readonly payload: string;
  readonly retain?: boolean;
  readonly contentType?: string;
  /** User properties of the message. */
  readonly properties?: Readonly<Record<string, string>>;
}

/**
 * One connection to an MQTT 5 broker, from its opening to its end: it does not come back by itself, and what was under
 * way fails with it.
 */
export class MqttLink {
  /** How many messages the broker takes before it must have acknowledged the first. */
  readonly window: number;
  readonly #client: MqttClient;
  readonly #where: string;
  readonly #underWay = new Set<(error: Error) => void>();
  readonly #onLost: (error: LinkError) => void;
  #lost: LinkError | undefined;
  #closing = false;

  private constructor(client: MqttClient, where: string, window: number, onLost: (error: LinkError) => void) {
    this.#client = client;
    this.#where = where;
    this.window = window;
    this.#onLost = onLost;
    client.once('close', () => this.#end('the connection was closed'));
    client.on('error', (error) => this.#end(errorMessage(error)));
    client.on('disconnect', ({ reasonCode }) => this.#end(`the broker ended it: ${reasonName(reasonCode)}`));
  }

  /**
   * Connects. `where` in errors is the address without its login.
   *
   * @throws LinkError when the broker cannot be reached or refuses; `config.variable_missing`, `config.file_unreadable`
   */
  static async open(config: BrokerConfig, options: LinkOptions = {}): Promise<MqttLink> {
    const { onMessage, onLost = () => undefined, signal } = options;
    const where = brokerAddress(config);
    // Loaded by those only who have a broker.
    const { default: mqtt } = await import('mqtt');
    const client = mqtt.connect(resolveReferences(config.url), await settingsOf(config));
    if (onMessage !== undefined)
      client.on('message', (topic, payload, { retain }) => onMessage({ topic, payload, retained: retain }));
    const receiveMaximum = await connected(client, where, signal);
    return new MqttLink(client, where, Math.min(receiveMaximum, MAX_UNDER_WAY), onLost);
  }

  /** Resolves when the broker has granted all of them. @throws LinkError; ProtocolError when it grants one not */
  subscribe(topics: readonly string[]): Promise<void> {
    return this.#ask<void>((resolve, reject) => {
      this.#client.subscribe([...topics], { qos: 1 }, (error, grants) => {
        const refused = grants?.find(({ qos }) => qos >= 0x80);
        if (error !== null) reject(new LinkError(`${this.#where} refuses a subscription: ${error.message}`));
        else if (refused !== undefined)
          reject(new LinkError(`${this.#where} refuses to subscribe to ${refused.topic}`));
        else resolve();
      });
    });
  }

  /**
   * Publishes with QoS 1; resolves when the broker has acknowledged it.
   *
   * @throws LinkError when it is not known whether the broker has it; ProtocolError `protocol.refused` (`fatal`) when the
   * broker will never take it
   */
  publish({ topic, payload, retain = false, contentType, properties }: Publication): Promise<void> {
    return this.#ask<void>((resolve, reject) => {
      const options = {
        qos: 1,
        retain,
        properties: {
          ...(contentType === undefined ? {} : { contentType }),
          ...(properties === undefined ? {} : { userProperties: { ...properties } }),
        },
      } as const;
      this.#client.publish(topic, payload, options, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(this.#publishError(error, topic));
      });
    });
  }

  /** Ends the connection in order; safe at any time, any number of times. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#client.disconnected) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#client.end(true, () => resolve()), CLOSE_MS);
      this.#client.end(this.#lost !== undefined, () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.#end('the connection was closed here');
  }

  #publishError(error: Error, topic: string): ProtocolError {
    const code = 'code' in error ? error.code : undefined;
    const text = `${this.#where} does not take a message on ${topic}: ${error.message}`;
    if (typeof code === 'number' && REFUSED.has(code))
      return new ProtocolError('protocol.refused', text, { fatal: true });
    return new LinkError(text);
  }

  #ask<T>(start: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise<T>((resolve, reject) => {
      const fail = (error: Error): void => {
        this.#underWay.delete(fail);
        reject(error);
      };
      this.#underWay.add(fail);
      start((value) => {
        this.#underWay.delete(fail);
        resolve(value);
      }, fail);
    });
  }

  #end(why: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = new LinkError(`${this.#where}: ${why}`);
    for (const fail of [...this.#underWay]) fail(this.#lost);
    if (this.#closing) return;
    this.#client.end(true);
    this.#onLost(this.#lost);
  }
}

/** `mqtts://host:port`, without a login or a query. */
export function brokerAddress({ url }: Pick<BrokerConfig, 'url'>): string {
  return url.replace(/\/\/[^/@]*@/, '//').replace(/[?#].*$/, '');
}

async function settingsOf(config: BrokerConfig): Promise<IClientOptions> {
  const { username, password, clientId, tls, connectTimeoutMs, keepAliveS } = config;
  const encrypted = /^(mqtts|wss):/.test(config.url);
  return {
    protocolVersion: 5,
    clientId,
    clean: true,
    ...(username === undefined ? {} : { username: resolveReferences(username) }),
    ...(password === undefined ? {} : { password: resolveReferences(password) }),
    ...(encrypted ? await readTlsFiles(tls) : {}),
    connectTimeout: connectTimeoutMs,
    keepalive: keepAliveS,
    // Whoever uses the link decides when to try again, and sends again what was under way.
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
  };
}

/** Resolves with the broker's Receive Maximum (MQTT 5, section 3.2.2.3.3). */
function connected(client: MqttClient, where: string, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      client.removeListener('close', closed);
      client.removeListener('error', failed);
      signal?.removeEventListener('abort', aborted);
      end();
    };
    const fail = (why: string): void =>
      settle(() => {
        client.on('error', () => undefined); // What still comes of a connection that is given up.
        client.end(true);
        reject(new LinkError(`${where}: ${why}`));
      });
    const closed = (): void => fail('the connection was closed before the broker answered');
    const failed = (error: Error): void => fail(reasonOf(error));
    const aborted = (): void => fail('the opening was given up here');
    client.once('connect', ({ properties }) => settle(() => resolve(properties?.receiveMaximum ?? 65_535)));
    client.once('close', closed);
    client.once('error', failed);
    if (signal?.aborted === true) aborted();
    else signal?.addEventListener('abort', aborted);
  });
}

/** An error of several addresses has no text of its own. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(errorMessage).join('; ');
  return error.message;
}

function reasonName(code: number | undefined): string {
  const names: Readonly<Record<number, string>> = {
    0x8b: 'it shuts down',
    0x8d: 'keep alive timeout',
    0x8e: 'another client with the same client id took over',
    0x93: 'receive maximum exceeded',
    0x95: 'packet too large',
    0x98: 'administrative action',
  };
  return code === undefined ? 'no reason given' : (names[code] ?? `reason 0x${code.toString(16)}`);
}
