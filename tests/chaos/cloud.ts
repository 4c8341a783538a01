import assert from 'node:assert/strict';
import mqtt, { type MqttClient } from 'mqtt';
import { keyId, keyKind } from '../../site/points.js';
import { openLink, type Link } from '../support/link.js';
import { startMosquitto, type TestBroker } from '../support/mosquitto.js';
import { eventually } from '../support/temp.js';
import type { Archive } from './archive.js';

/**
 * A real MQTT broker that a site forwards to, the network between them, and a client that hears what has come. The broker
 * writes to who listens before it acknowledges, so what it has acknowledged has been heard.
 */
export class Cloud {
  readonly #broker: TestBroker;
  readonly #link: Link;
  readonly #listener: MqttClient;
  #subscriptions = 0;
  /** By point: the ids of its readings, in the order of their coming, repetitions included. */
  readonly #heard = new Map<string, string[]>();
  #count = 0;

  private constructor(broker: TestBroker, link: Link, listener: MqttClient) {
    this.#broker = broker;
    this.#link = link;
    this.#listener = listener;
    listener.on('error', () => undefined); // while the broker is away
    listener.on('message', (_, payload) => this.#hear(payload));
    listener.on('connect', () => void this.#subscribe());
  }

  static async open(): Promise<Cloud> {
    const broker = await startMosquitto();
    const link = await openLink(broker.port);
    const listener = await mqtt.connectAsync(broker.url, {
      ...{ protocolVersion: 5, reconnectPeriod: 50, connectTimeout: 2_000, resubscribe: false },
    });
    const cloud = new Cloud(broker, link, listener);
    await cloud.#subscribe();
    return cloud;
  }

  /** The target as site.yaml has it: the point T:1 of every channel. */
  get yaml(): string {
    return `
forwarding:
  - { id: cloud, type: mqtt, url: "mqtt://${this.#link.address}", points: ["*:T:1"], batch: { wait_ms: 100 }, begin: oldest }
`;
  }

  /** How many readings have been heard. */
  get count(): number {
    return this.#count;
  }

  kill(): Promise<void> {
    return this.#broker.kill();
  }

  /** Starts the broker again. The site gets to it when the listener is there: a broker keeps nothing for who is away. */
  async start(): Promise<void> {
    const before = this.#subscriptions;
    this.#link.shut();
    await this.#broker.start();
    await eventually(() => (this.#subscriptions > before ? true : undefined), {
      within: 30_000,
      what: 'the listener is back',
    });
    this.#link.open();
  }

  /** Every reading that the stream holds has been heard, in the order of the stream, whatever came twice. */
  assertComplete({ frames }: Archive): void {
    const inStream = new Map<string, string[]>();
    for (const frame of frames) {
      for (const key of frame.keys) {
        const point = `${keyKind(key)}:${keyId(key)}`;
        if (point !== 'T:1') continue;
        const of = `${frame.channel}:${point}`;
        const ids = inStream.get(of) ?? [];
        inStream.set(of, ids);
        ids.push(`${frame.channel}/${frame.epoch}/${frame.seq}/${point}`);
      }
    }
    assert.ok(inStream.size > 0);
    for (const [point, ids] of inStream) assert.deepEqual([...new Set(this.#heard.get(point))], ids, point);
  }

  async close(): Promise<void> {
    await this.#listener.endAsync(true);
    await this.#link.close();
    await this.#broker.close();
  }

  #hear(payload: Buffer): void {
    const { id, channel, kind, point } = JSON.parse(payload.toString()) as {
      id: string;
      channel: number;
      kind: string;
      point: number;
    };
    const of = `${channel}:${kind}:${point}`;
    const ids = this.#heard.get(of) ?? [];
    this.#heard.set(of, ids);
    ids.push(id);
    this.#count += 1;
  }

  async #subscribe(): Promise<void> {
    await this.#listener.subscribeAsync('#', { qos: 0 });
    this.#subscriptions += 1;
  }
}
