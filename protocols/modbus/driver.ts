import type { Duplex } from 'node:stream';
import type { ModbusChannel } from '../../site/model.js';
import { pointKey, type PointDefinition } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';
import { LinkError, ProtocolError, type Driver, type PollOutcome, type WriteOutcome } from '../driver.js';
import { Link } from './link.js';
import { groupSlots } from './plan.js';
import { Poller } from './poller.js';
import { frameGapMs, framingOf, openStream, transportName } from './transport.js';
import { prepareWrite, writePoint } from './write.js';

export interface ModbusDriverOptions {
  /** Source of the values' time, ms since the Unix epoch. */
  readonly now?: () => number;
  /** Opens the byte stream instead of the channel's own transport. @throws LinkError */
  readonly open?: (signal: AbortSignal) => Promise<Duplex>;
}

/**
 * Driver of one Modbus connection: TCP, RTU over TCP, or RTU over a serial line, with one or more units behind it.
 * Nothing is opened before `connect`. What the device refuses stays known over reconnections.
 */
export function createModbusDriver(channel: ModbusChannel, options: ModbusDriverOptions = {}): Driver {
  return new ModbusDriver(channel, options);
}

class ModbusDriver implements Driver {
  readonly #channel: ModbusChannel;
  readonly #name: string;
  readonly #now: () => number;
  readonly #open: (signal: AbortSignal) => Promise<Duplex>;
  readonly #indexOf: ReadonlyMap<number, number>;
  readonly #poller: Poller;
  #link: Link | undefined;
  #connecting: AbortController | undefined;
  #polling = false;
  /** Writes take their turns: one may read a register, change a bit and write it back. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(channel: ModbusChannel, { now = Date.now, open }: ModbusDriverOptions) {
    this.#channel = channel;
    this.#name = transportName(channel.transport);
    this.#now = now;
    this.#open = open ?? ((signal) => openStream(channel.transport, channel.limits.connectTimeoutMs, signal));
    this.#indexOf = new Map(channel.points.map((point, index) => [pointKey(point.kind, point.id), index]));
    this.#poller = new Poller(groupSlots(channel), channel.limits);
  }

  async connect(): Promise<void> {
    await this.close();
    const connecting = new AbortController();
    this.#connecting = connecting;
    const stream = await this.#open(connecting.signal);
    const { transport, limits } = this.#channel;
    const link = new Link(stream, framingOf(transport), {
      name: this.#name,
      responseTimeoutMs: limits.responseTimeoutMs,
      pipeline: limits.pipeline,
      pauseMs: Math.max(limits.pauseMs, frameGapMs(transport)),
    });
    if (connecting.signal.aborted) {
      const closed = this.#closedError();
      link.close(closed);
      throw closed;
    }
    this.#link = link;
    this.#poller.reset();
  }

  async poll(readings: Readings): Promise<PollOutcome> {
    const link = this.#openLink();
    if (this.#polling) throw new ProtocolError('protocol.busy', `a cycle of ${this.#name} is under way`);
    this.#polling = true;
    try {
      return await this.#poller.poll(link, readings, this.#now());
    } finally {
      this.#polling = false;
    }
  }

  async write(point: PointDefinition, value: number | string): Promise<WriteOutcome> {
    const index = this.#indexOf.get(pointKey(point.kind, point.id));
    const mapping = index === undefined ? undefined : this.#channel.mappings[index];
    const prepared = prepareWrite(point, mapping, value);
    const write = this.#lastWrite.then(() => writePoint(this.#openLink(), prepared));
    this.#lastWrite = write.catch(() => undefined); // its caller hears of it
    return write;
  }

  close(): Promise<void> {
    this.#connecting?.abort();
    this.#link?.close(this.#closedError());
    this.#connecting = undefined;
    this.#link = undefined;
    return Promise.resolve();
  }

  #openLink(): Link {
    if (this.#link === undefined) throw new LinkError(`${this.#name} is not connected`);
    if (this.#link.lost !== undefined) throw this.#link.lost;
    return this.#link;
  }

  #closedError(): LinkError {
    return new LinkError(`the connection to ${this.#name} was closed here`);
  }
}
