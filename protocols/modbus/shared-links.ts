import type { ModbusChannel } from '../../site/model.js';
import { LinkError } from '../driver.js';
import type { Line, Link, ModbusRequest, RequestSource } from './link.js';
import { transportName } from './transport.js';

/** Opens a channel's connection. @throws LinkError */
export type OpenLink = (channel: ModbusChannel, signal: AbortSignal) => Promise<Link>;

/**
 * So many units without an answer, and none with one between them, are no units that happen to be off: the connection
 * itself is gone, though nobody says so.
 */
const SILENT_UNITS = 8;

/**
 * Connections that channels have together: many gateways take only a few, and a serial port is opened once. Channels
 * share when they say so and their transport and the settings of the connection are the same (which the configuration
 * checks). It is opened for the first of them and closed after the last.
 */
export class SharedLinks {
  readonly #openLink: OpenLink;
  readonly #connections = new Map<string, Connection>();

  constructor(openLink: OpenLink) {
    this.#openLink = openLink;
  }

  /** Connections that are open or being opened. */
  get size(): number {
    return this.#connections.size;
  }

  /** A share in the channel's connection, as soon as that is open. @throws LinkError also when `signal` says so */
  async join(channel: ModbusChannel, signal: AbortSignal): Promise<Line> {
    const { responseTimeoutMs, pipeline, pauseMs } = channel.limits;
    const key = JSON.stringify([channel.transport, responseTimeoutMs, pipeline, pauseMs]);
    let connection = this.#connections.get(key);
    if (connection === undefined || connection.lost) {
      const opened: Connection = new Connection(
        (aborted) => this.#openLink(channel, aborted),
        () => {
          if (this.#connections.get(key) === opened) this.#connections.delete(key);
        },
      );
      connection = opened;
      this.#connections.set(key, opened);
    }
    return connection.share(transportName(channel.transport), signal);
  }
}

class Connection {
  readonly #opening: Promise<Link>;
  readonly #abort = new AbortController();
  readonly #onUnused: () => void;
  #link: Link | undefined;
  #failed = false;
  users = 0;
  /** Units that gave no answer, since the last answer of any. */
  readonly #silentUnits = new Set<number>();
  #answersThen = 0;

  constructor(open: (signal: AbortSignal) => Promise<Link>, onUnused: () => void) {
    this.#onUnused = onUnused;
    this.#opening = open(this.#abort.signal).then(
      (link) => (this.#link = link),
      (error: unknown) => {
        this.#failed = true;
        throw error;
      },
    );
  }

  get lost(): boolean {
    return this.#failed || this.#abort.signal.aborted || this.#link?.lost !== undefined;
  }

  async share(name: string, signal: AbortSignal): Promise<Line> {
    this.users += 1;
    try {
      return new Share(this, await unlessAborted(this.#opening, name, signal));
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** True when so many units have been silent that the connection must be gone. */
  silent(link: Link, units: readonly number[]): boolean {
    if (link.answers !== this.#answersThen) this.#silentUnits.clear();
    this.#answersThen = link.answers;
    for (const unit of units) this.#silentUnits.add(unit);
    return this.#silentUnits.size >= Math.min(this.users, SILENT_UNITS);
  }

  /** One channel less. */
  release(): void {
    this.users -= 1;
    if (this.users > 0) return;
    this.#abort.abort();
    this.#onUnused();
    this.#link?.close(new LinkError('no channel needs the connection any more'));
  }
}

/** What one channel has of a connection: it can leave without ending it for the others. */
class Share implements Line {
  readonly shared = true;
  readonly #connection: Connection;
  readonly #link: Link;
  #left: LinkError | undefined;
  #source: RequestSource | undefined;

  constructor(connection: Connection, link: Link) {
    this.#connection = connection;
    this.#link = link;
  }

  get lost(): LinkError | undefined {
    return this.#left ?? this.#link.lost;
  }

  request(request: ModbusRequest): void {
    if (this.#left === undefined) this.#link.request(request);
    else request.done(this.#left, new Uint8Array(0), 0, 0);
  }

  join(source: RequestSource): void {
    this.#source = source;
    if (this.#left === undefined) this.#link.join(source);
    else source.lost(this.#left);
  }

  offer(source: RequestSource): void {
    this.#link.offer(source);
  }

  leave(source: RequestSource): void {
    this.#source = undefined;
    this.#link.leave(source);
  }

  silent(error: LinkError, units: readonly number[]): void {
    if (this.#connection.silent(this.#link, units)) this.#link.close(error);
    this.close(error);
  }

  close(error: LinkError): void {
    if (this.#left !== undefined) return;
    this.#left = error;
    this.#source?.lost(error);
    this.#connection.release();
  }
}

/** @throws LinkError when `signal` says so first */
function unlessAborted(opening: Promise<Link>, name: string, signal: AbortSignal): Promise<Link> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new LinkError(`connecting to ${name} was given up`));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort);
    opening.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
