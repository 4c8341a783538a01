import type { Duplex } from 'node:stream';
import { errorMessage } from '../../errors/error.js';
import { LinkError, type ProtocolError } from '../driver.js';
import type { Framing } from './framing.js';
import { badResponse, checkResponse, timeoutError } from './pdu.js';

/** One request and what becomes of it. */
export interface ModbusRequest {
  readonly unitId: number;
  /** Function code and data. */
  readonly pdu: Uint8Array;
  /**
   * Called exactly once. Without error the answer PDU begins at `bytes[start]`, already checked against the request;
   * `bytes` are valid only during the call. A LinkError says that the connection is gone.
   */
  done(error: ProtocolError | undefined, bytes: Uint8Array, start: number, roundTripMs: number): void;
}

/** Something with requests of its own now and then: a polling cycle. */
export interface RequestSource {
  /** The next request, or undefined when there is none now; `offer` again when there is one. */
  take(): ModbusRequest | undefined;
  /** The connection is gone, and every request under way was told. */
  lost(error: LinkError): void;
}

/** What the cycles and writes of a channel have of a connection: all of it, or a share (SharedLinks). */
export interface Line {
  /** Others ask over the same connection: what gives no answer must not keep them waiting. */
  readonly shared: boolean;
  /** Why it is gone, if it is. */
  readonly lost: LinkError | undefined;
  /** Sends before anything of a source. */
  request(request: ModbusRequest): void;
  /** The source has requests, now and until it leaves. */
  join(source: RequestSource): void;
  /** The source, which had none left, has requests again: to be called while it is told what became of one. */
  offer(source: RequestSource): void;
  leave(source: RequestSource): void;
  /** Nothing that was asked of these units in a whole cycle was answered: this line is of no use any more. */
  silent(error: LinkError, units: readonly number[]): void;
  /** Ends it; every request under way gets the error. Safe at any time, any number of times. */
  close(error: LinkError): void;
}

export interface LinkOptions {
  /** For messages: host:port or device. */
  readonly name: string;
  readonly responseTimeoutMs: number;
  /** Requests under way at once; 1 where the framing cannot tell answers apart or `pauseMs` is set. */
  readonly pipeline: number;
  /** Rest between an answer and the next request. */
  readonly pauseMs: number;
  /** Requests that come within a turn of the event loop go out together. Default false: each at once. */
  readonly gather?: boolean;
}

interface InFlight {
  readonly request: ModbusRequest;
  readonly sentAt: number;
}

const NOTHING = new Uint8Array(0);

/**
 * Requests and answers over one open connection. Keeps up to `pipeline` requests under way, taken first from
 * `request()` (writes, single reads), then from its sources (polling cycles) in the order in which they came. One timer
 * serves all timeouts, since every request has the same; a request that is answered costs none.
 */
export class Link implements Line {
  readonly shared = false;
  readonly #stream: Duplex;
  readonly #framing: Framing;
  readonly #options: LinkOptions;
  readonly #capacity: number;
  /** By transaction id, oldest first. */
  readonly #inFlight = new Map<number, InFlight>();
  readonly #queue: ModbusRequest[] = [];
  readonly #sources = new Set<RequestSource>();
  /** Those that may have a request to send. */
  readonly #ready = new Set<RequestSource>();
  #transaction = 0;
  #timer: NodeJS.Timeout | undefined;
  #afterIo: NodeJS.Immediate | undefined;
  #rest: NodeJS.Timeout | undefined;
  #gathering: NodeJS.Immediate | undefined;
  #lost: LinkError | undefined;
  /** Answers that matched no request under way: late, or wrong. */
  ignoredAnswers = 0;
  /** Answers so far, exceptions too. */
  answers = 0;

  constructor(stream: Duplex, framing: Framing, options: LinkOptions) {
    this.#stream = stream;
    this.#framing = framing;
    this.#options = options;
    this.#capacity = framing.concurrent && options.pauseMs === 0 ? options.pipeline : 1;
    stream.on('data', (chunk: Uint8Array) => this.#receive(chunk));
    stream.on('error', (cause: Error) =>
      this.close(new LinkError(`connection to ${options.name} failed: ${errorMessage(cause)}`, { cause })),
    );
    stream.once('close', () => this.close(new LinkError(`${options.name} closed the connection`)));
  }

  get lost(): LinkError | undefined {
    return this.#lost;
  }

  request(request: ModbusRequest): void {
    if (this.#lost !== undefined) {
      request.done(this.#lost, NOTHING, 0, 0);
      return;
    }
    this.#queue.push(request);
    this.#pumpSoon();
  }

  join(source: RequestSource): void {
    if (this.#lost !== undefined) {
      source.lost(this.#lost);
      return;
    }
    this.#sources.add(source);
    this.#ready.add(source);
    this.#pumpSoon();
  }

  offer(source: RequestSource): void {
    if (this.#sources.has(source)) this.#ready.add(source);
  }

  leave(source: RequestSource): void {
    this.#sources.delete(source);
    this.#ready.delete(source);
  }

  silent(error: LinkError): void {
    this.close(error);
  }

  #pumpSoon(): void {
    if (this.#options.gather !== true) this.#pump();
    else this.#gathering ??= setImmediate(() => this.#pump());
  }

  /** Sends what may be sent now. */
  #pump(): void {
    clearImmediate(this.#gathering);
    this.#gathering = undefined;
    if (this.#lost !== undefined || this.#rest !== undefined) return;
    const several = this.#capacity > 1;
    if (several) this.#stream.cork();
    while (this.#inFlight.size < this.#capacity) {
      const request = this.#queue.shift() ?? this.#fromSource();
      if (request === undefined) break;
      this.#send(request);
    }
    if (several) this.#stream.uncork();
  }

  #fromSource(): ModbusRequest | undefined {
    for (const source of this.#ready) {
      const request = source.take();
      if (request !== undefined) return request;
      this.#ready.delete(source);
    }
    return undefined;
  }

  close(error: LinkError): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    clearTimeout(this.#timer);
    clearTimeout(this.#rest);
    clearImmediate(this.#afterIo);
    clearImmediate(this.#gathering);
    this.#stream.destroy();
    const waiting = [...Array.from(this.#inFlight.values(), ({ request }) => request), ...this.#queue];
    this.#inFlight.clear();
    this.#queue.length = 0;
    for (const request of waiting) request.done(error, NOTHING, 0, 0);
    const sources = [...this.#sources];
    this.#sources.clear();
    this.#ready.clear();
    for (const source of sources) source.lost(error);
  }

  #send(request: ModbusRequest): void {
    do this.#transaction = (this.#transaction + 1) & 0xffff;
    while (this.#inFlight.has(this.#transaction));
    this.#inFlight.set(this.#transaction, { request, sentAt: performance.now() });
    this.#stream.write(this.#framing.frame(this.#transaction, request.unitId, request.pdu));
    if (this.#timer === undefined) this.#startTimer(this.#options.responseTimeoutMs);
  }

  #receive(chunk: Uint8Array): void {
    if (this.#lost !== undefined) return;
    const broken = this.#framing.push(chunk, this.#onFrame, this.#isAwaited);
    if (broken !== undefined) {
      this.close(new LinkError(`answers of ${this.#options.name} cannot be read: ${broken}`));
      return;
    }
    this.#pump();
  }

  readonly #isAwaited = (transaction: number): boolean => this.#inFlight.has(transaction);

  readonly #onFrame = (transaction: number, unitId: number, bytes: Uint8Array, start: number, end: number): void => {
    const entry = this.#inFlight.get(transaction);
    if (entry === undefined) {
      this.ignoredAnswers += 1;
      return;
    }
    this.#inFlight.delete(transaction);
    this.answers += 1;
    if (this.#options.pauseMs > 0) this.#restFor(this.#options.pauseMs);
    const { request, sentAt } = entry;
    const error =
      unitId === request.unitId
        ? checkResponse(unitId, request.pdu, bytes, start, end)
        : badResponse(request.unitId, request.pdu, `comes from unit ${unitId}`);
    request.done(error, bytes, start, performance.now() - sentAt);
  };

  #startTimer(ms: number): void {
    this.#timer = setTimeout(() => {
      // Timers run before input: after a busy spell the answer may lie unread in the socket. Look there first.
      this.#afterIo = setImmediate(() => this.#expire());
    }, ms);
  }

  #expire(): void {
    this.#timer = undefined;
    const { responseTimeoutMs, name, pauseMs } = this.#options;
    const now = performance.now();
    const expired: ModbusRequest[] = [];
    let broken: string | undefined;
    for (const [transaction, { request, sentAt }] of this.#inFlight) {
      const left = sentAt + responseTimeoutMs - now;
      // setTimeout may fire up to a millisecond early.
      if (left > 1) {
        this.#startTimer(left);
        break;
      }
      this.#inFlight.delete(transaction);
      broken ??= this.#framing.expire(transaction);
      expired.push(request);
    }
    const rest = Math.max(pauseMs, this.#framing.settleMs);
    if (expired.length > 0 && rest > 0) this.#restFor(rest);
    for (const request of expired) {
      request.done(timeoutError(request.unitId, request.pdu, responseTimeoutMs), NOTHING, 0, 0);
    }
    if (broken !== undefined) this.close(new LinkError(`answers of ${name} cannot be read: ${broken}`));
    else this.#pump();
  }

  #restFor(ms: number): void {
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.#pump();
    }, ms);
  }
}
