import { StatewattError, type ErrorBody } from '../../errors/error.js';

/** The part of a browser’s WebSocket that is used; that of the npm package `ws` has it too. */
export interface SocketLike {
  send(data: string): void;
  close(): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
}

export interface SiteSocketOptions {
  /** Such as ws://127.0.0.1:8080/ws. */
  readonly url: string;
  /** Makes a socket; default: the platform’s own WebSocket. */
  readonly connect?: (url: string) => SocketLike;
  /** Asked at each connection, so that it can be fresh; undefined: nothing is shown. */
  readonly credentials?: () => Promise<{ token: string } | { apiKey: string } | undefined>;
  /** Ms that an answer may take. Default 10,000. */
  readonly timeoutMs?: number;
  /** Ms before the first try to connect again; each further one waits twice as long, 10 s at most. Default 200. */
  readonly retryMs?: number;
  readonly onStatus?: (status: 'open' | 'lost') => void;
}

/** What is wanted, and where it goes. */
interface Subscription {
  readonly params: object;
  readonly listener: (update: unknown) => void;
  /** The server’s number in the present connection. */
  number: number | undefined;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

interface Incoming {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { subscription: number };
  readonly result?: unknown;
  readonly error?: { code: number; message: string; data?: ErrorBody };
}

const LONGEST_RETRY_MS = 10_000;

/**
 * A client of the WebSocket: requests with answers, and subscriptions that come back by themselves after a lost
 * connection. What was under way then is rejected (`client.unavailable`): it may have been done.
 */
export class SiteSocket {
  readonly #options: SiteSocketOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #subscriptions = new Set<Subscription>();
  #socket: SocketLike | undefined;
  #isOpen = false;
  #opened: Promise<void>;
  #announce: () => void = () => undefined;
  #lastId = 0;
  #tries = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: SiteSocketOptions) {
    this.#options = options;
    this.#opened = this.#nextOpening();
    this.#connect();
  }

  /**
   * Asks and resolves with the result; waits for the connection if there is none.
   * @throws the site’s refusal; `client.timeout`, `client.unavailable`
   */
  async call(method: string, params: object = {}): Promise<unknown> {
    if (!this.#isOpen) await this.#inTime(this.#opened, method);
    return this.#ask(method, params);
  }

  /**
   * Has updates pushed: `{topic: 'points', channel?, points?}` or `{topic: 'alarms', levels?, source?}`. Resolves when
   * the site has it; answers what ends it.
   */
  async subscribe(params: object, listener: (update: unknown) => void): Promise<() => Promise<void>> {
    const subscription: Subscription = { params, listener, number: undefined };
    if (!this.#isOpen) await this.#inTime(this.#opened, 'subscribe');
    await this.#begin(subscription);
    this.#subscriptions.add(subscription);
    return async () => {
      this.#subscriptions.delete(subscription);
      const { number } = subscription;
      if (number !== undefined && this.#isOpen) await this.#ask('unsubscribe', { subscription: number });
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#lose();
    this.#socket?.close();
  }

  #connect(): void {
    const { url, connect = (address) => new globalThis.WebSocket(address) } = this.#options;
    const socket: SocketLike = connect(url);
    this.#socket = socket;
    socket.addEventListener('open', () => void this.#open());
    socket.addEventListener('message', ({ data }) => this.#take(JSON.parse(String(data)) as Incoming));
    socket.addEventListener('error', () => undefined); // 'close' follows.
    socket.addEventListener('close', () => this.#again());
  }

  async #open(): Promise<void> {
    try {
      const shown = await this.#options.credentials?.();
      if (shown !== undefined) await this.#ask('auth', shown);
      for (const subscription of this.#subscriptions) await this.#begin(subscription);
    } catch {
      this.#socket?.close(); // And again, with credentials that are fresh.
      return;
    }
    this.#tries = 0;
    this.#isOpen = true;
    this.#announce();
    this.#options.onStatus?.('open');
  }

  async #begin(subscription: Subscription): Promise<void> {
    const { subscription: number } = (await this.#ask('subscribe', subscription.params)) as { subscription: number };
    subscription.number = number;
  }

  #take({ id, method, params, result, error }: Incoming): void {
    if (method !== undefined) {
      for (const { number, listener } of this.#subscriptions) if (number === params?.subscription) listener(params);
      return;
    }
    const waiting = this.#waiting.get(id ?? 0);
    if (waiting === undefined) return;
    this.#waiting.delete(id ?? 0);
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(result);
    else if (error.data !== undefined) waiting.reject(StatewattError.fromJSON(error.data));
    else
      waiting.reject(
        new StatewattError('client.rpc_error', 'invalid', error.message, { details: { code: error.code } }),
      );
  }

  #ask(method: string, params: object): Promise<unknown> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(late(method));
      }, this.#options.timeoutMs ?? 10_000);
      this.#waiting.set(id, { resolve, reject, timer });
      this.#socket?.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    });
  }

  #again(): void {
    this.#lose();
    if (this.#closed) return;
    const wait = Math.min((this.#options.retryMs ?? 200) * 2 ** this.#tries++, LONGEST_RETRY_MS);
    this.#retry = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2));
  }

  #lose(): void {
    if (this.#isOpen) {
      this.#isOpen = false;
      this.#opened = this.#nextOpening();
      this.#options.onStatus?.('lost');
    }
    for (const subscription of this.#subscriptions) subscription.number = undefined;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(
        new StatewattError('client.unavailable', 'unavailable', 'the connection was lost before there was an answer'),
      );
    }
    this.#waiting.clear();
  }

  #nextOpening(): Promise<void> {
    return new Promise((resolve) => {
      this.#announce = resolve;
    });
  }

  async #inTime(promise: Promise<void>, method: string): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(late(method)), this.#options.timeoutMs ?? 10_000);
    });
    try {
      await Promise.race([promise, end]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function late(method: string): StatewattError {
  return new StatewattError('client.timeout', 'timeout', `no answer to ${method} in time`);
}
