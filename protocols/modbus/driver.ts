import type { Duplex } from 'node:stream';
import type { ModbusChannel } from '../../site/model.js';
import { pointKey, type PointDefinition } from '../../site/points.js';
import type { Readings } from '../../site/readings.js';
import { LinkError, ProtocolError, type Driver, type PollOutcome, type WriteOutcome } from '../driver.js';
import { Link, type Line } from './link.js';
import { groupSlots } from './plan.js';
import { Poller } from './poller.js';
import type { SharedLinks } from './shared-links.js';
import { frameGapMs, framingOf, openStream, transportName } from './transport.js';
import { prepareWrite, writePoint } from './write.js';

export interface ModbusDriverOptions {
  /** Source of the values' time, ms since the Unix epoch. */
  readonly now?: () => number;
  /** Opens the byte stream instead of the channel's own transport. @throws LinkError */
  readonly open?: (signal: AbortSignal) => Promise<Duplex>;
  /** Where channels that share a connection find it; without it each has its own. */
  readonly shared?: SharedLinks;
}

/** Opens the connection of a channel. @throws LinkError; ProtocolError `protocol.serial_unavailable` (fatal) */
export async function openLink(
  channel: ModbusChannel,
  signal: AbortSignal,
  open: (signal: AbortSignal) => Promise<Duplex> = (aborted) =>
    openStream(channel.transport, channel.limits.connectTimeoutMs, aborted),
): Promise<Link> {
  const stream = await open(signal);
  const { transport, limits } = channel;
  const link = new Link(stream, framingOf(transport), {
    name: transportName(transport),
    responseTimeoutMs: limits.responseTimeoutMs,
    pipeline: limits.pipeline,
    pauseMs: Math.max(limits.pauseMs, frameGapMs(transport)),
    gather: channel.sharedConnection,
  });
  if (signal.aborted) {
    const closed = closedHere(transportName(transport));
    link.close(closed);
    throw closed;
  }
  return link;
}

/**
 * Driver of one Modbus connection, or of a share in one: TCP, RTU over TCP, or RTU over a serial line, with one or more
 * units behind it.
 * Nothing is opened before `connect`. What the device refuses stays known over reconnections.
 */
export function createModbusDriver(channel: ModbusChannel, options: ModbusDriverOptions = {}): Driver {
  return new ModbusDriver(channel, options);
}

class ModbusDriver implements Driver {
  readonly #channel: ModbusChannel;
  readonly #name: string;
  readonly #now: () => number;
  readonly #open: (signal: AbortSignal) => Promise<Line>;
  readonly #indexOf: ReadonlyMap<number, number>;
  readonly #poller: Poller;
  /** What gives no answer is left alone for a while, for the sake of those that share the connection. */
  readonly #sharing: boolean;
  #line: Line | undefined;
  #connecting: AbortController | undefined;
  #polling = false;
  /** Writes take their turns: one may read a register, change a bit and write it back. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(channel: ModbusChannel, { now = Date.now, open, shared }: ModbusDriverOptions) {
    this.#channel = channel;
    this.#name = transportName(channel.transport);
    this.#now = now;
    this.#sharing = shared !== undefined && channel.sharedConnection;
    this.#open =
      shared !== undefined && channel.sharedConnection
        ? (signal) => shared.join(channel, signal)
        : (signal) => openLink(channel, signal, open);
    this.#indexOf = new Map(channel.points.map((point, index) => [pointKey(point.kind, point.id), index]));
    this.#poller = new Poller(groupSlots(channel), channel.limits);
  }

  async connect(): Promise<void> {
    await this.close();
    const { restMs } = this.#poller;
    if (this.#sharing && restMs > 0) {
      throw new LinkError(
        `no unit of the channel gives an answer at ${this.#name}; they are asked again in ${Math.ceil(restMs / 1000)} s`,
      );
    }
    const connecting = new AbortController();
    this.#connecting = connecting;
    const line = await this.#open(connecting.signal);
    if (connecting.signal.aborted) {
      line.close(closedHere(this.#name));
      throw closedHere(this.#name);
    }
    if (!line.shared) this.#poller.reset();
    this.#line = line;
  }

  async poll(readings: Readings): Promise<PollOutcome> {
    const line = this.#openLine();
    if (this.#polling) throw new ProtocolError('protocol.busy', `a cycle of ${this.#name} is under way`);
    this.#polling = true;
    try {
      return await this.#poller.poll(line, readings, this.#now());
    } finally {
      this.#polling = false;
    }
  }

  async write(point: PointDefinition, value: number | string): Promise<WriteOutcome> {
    const index = this.#indexOf.get(pointKey(point.kind, point.id));
    const mapping = index === undefined ? undefined : this.#channel.mappings[index];
    const prepared = prepareWrite(point, mapping, value);
    const write = this.#lastWrite.then(() => writePoint(this.#openLine(), prepared));
    this.#lastWrite = write.catch(() => undefined); // its caller hears of it
    return write;
  }

  close(): Promise<void> {
    this.#connecting?.abort();
    this.#line?.close(closedHere(this.#name));
    this.#connecting = undefined;
    this.#line = undefined;
    return Promise.resolve();
  }

  #openLine(): Line {
    if (this.#line === undefined) throw new LinkError(`${this.#name} is not connected`);
    if (this.#line.lost !== undefined) throw this.#line.lost;
    return this.#line;
  }
}

function closedHere(name: string): LinkError {
  return new LinkError(`the connection to ${name} was closed here`);
}
