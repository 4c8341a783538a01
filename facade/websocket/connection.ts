import type { FastifyBaseLogger } from 'fastify';
import { Ajv } from 'ajv';
import Type, { type Static } from 'typebox';
import type { RawData, WebSocket } from 'ws';
import type { Credentials, Gatekeeper, Identity } from '../../actors/client/access.js';
import { userOf } from '../../actors/client/acting.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { StatewattError } from '../../errors/error.js';
import type { Need } from '../../site/access.js';
import { ANYBODY, denialOf, isWrittenDown, refOf, writeDown } from '../admission.js';
import type { OpenConnections } from '../open-connections.js';
import type { HttpCounters } from '../http/counters.js';
import { invalidParams, type Method } from './methods.js';
import { RPC, RpcFault, answerOf, faultOf, idOf, readMessage, readRequest, type RpcAnswer } from './rpc.js';
import { Subscriptions } from './subscriptions.js';
import { OWN_SCHEMAS, validator } from '../../site/validator.js';

/** Why a connection is closed (RFC 6455, section 7.4); from 4000 on the codes are ours. */
export const CLOSE = { goingAway: 1001, unsupported: 1003, tryLater: 1013, notSignedIn: 4401 } as const;

/** Requests under way of one connection; the next ones are not read before. */
const MAX_UNDER_WAY = 64;
/** Bytes that wait to be sent; nothing more is read before they are fewer. */
const MAX_WAITING_BYTES = 1024 * 1024;
/** Who a connection is from is found out again when it asks after so long. */
const KNOWN_MS = 1_000;
/** Who comes without credentials has so long to show them. */
const SIGN_IN_MS = 10_000;

const Auth = Type.Object(
  {
    token: Type.Optional(Type.String({ minLength: 1, maxLength: 4_096 })),
    apiKey: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  },
  { additionalProperties: false },
);
const isAuth = validator(() =>
  new Ajv({ ...OWN_SCHEMAS, allErrors: true, verbose: true }).compile<Static<typeof Auth>>(Auth),
);

export interface ConnectionParts {
  readonly client: StatewattClient;
  readonly methods: ReadonlyMap<string, Method>;
  /** Without it everybody may do everything. */
  readonly gatekeeper: Gatekeeper | undefined;
  readonly counters: HttpCounters;
  /** Ends it when its user may not be in any more. */
  readonly open: OpenConnections;
  /** Requests a second of one connection, on average of ten seconds; 0: as many as it likes. */
  readonly rateLimit: number;
}

/** Where a connection came from. */
export interface ConnectionFacts {
  readonly credentials: Credentials;
  readonly address: string;
  readonly requestId: string;
  readonly log: FastifyBaseLogger;
}

/** One client of the WebSocket: its requests, its subscriptions, and who it is. */
export class RpcConnection {
  readonly #socket: WebSocket;
  readonly #parts: ConnectionParts;
  readonly #facts: ConnectionFacts;
  readonly #subscriptions: Subscriptions;
  #credentials: Credentials;
  #identity: Identity | null = null;
  #forget: () => void = () => undefined;
  #knownAt = -Infinity;
  #underWay = 0;
  #window = { since: 0, requests: 0 };
  #alive = true;

  constructor(socket: WebSocket, parts: ConnectionParts, facts: ConnectionFacts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#facts = facts;
    this.#credentials = facts.credentials;
    this.#subscriptions = new Subscriptions(parts.client, (method, params) => this.#push(method, params));
    const late = setTimeout(() => void this.#closeStranger(), SIGN_IN_MS);
    socket.on('message', (data, isBinary) => this.#take(data, isBinary));
    socket.on('pong', () => {
      this.#alive = true;
    });
    socket.on('close', () => {
      clearTimeout(late);
      this.#forget();
      this.#subscriptions.end();
    });
  }

  /** Call at each heartbeat: ends a dead connection, and one whose user may not come in any more. */
  async beat(): Promise<void> {
    if (!this.#alive) return this.#socket.terminate();
    this.#alive = false;
    this.#socket.ping();
    if (this.#identity !== null) await this.#closeStranger();
  }

  close(): void {
    this.#socket.close(CLOSE.goingAway, 'the server is stopping');
  }

  #take(data: RawData, isBinary: boolean): void {
    if (isBinary) return this.#socket.close(CLOSE.unsupported, 'requests are text; /ws/echo takes binary frames');
    let message: unknown;
    try {
      message = readMessage((data as Buffer).toString('utf8'));
    } catch (thrown) {
      return this.#send(faultOf(null, thrown));
    }
    if (Array.isArray(message)) {
      const answers = message.map(async (one) => this.#answer(one));
      return this.#whenAnswered(Promise.all(answers).then((all) => all.filter((answer) => answer !== undefined)));
    }
    const answer = this.#answer(message);
    if (answer instanceof Promise) this.#whenAnswered(answer);
    else if (answer !== undefined) this.#send(answer);
  }

  /** What is asked while much is under way stays in the network until some of it is answered. */
  #whenAnswered(answer: Promise<RpcAnswer | RpcAnswer[] | undefined>): void {
    this.#underWay += 1;
    if (this.#underWay >= MAX_UNDER_WAY) this.#socket.pause();
    void answer.then((ready) => {
      this.#underWay -= 1;
      if (ready !== undefined && !(Array.isArray(ready) && ready.length === 0)) this.#send(ready);
      if (this.#underWay < MAX_UNDER_WAY && this.#socket.bufferedAmount < MAX_WAITING_BYTES) this.#socket.resume();
    });
  }

  /** Never rejects or throws; undefined: nobody waits for an answer. At once where nothing has to be waited for. */
  #answer(message: unknown): RpcAnswer | undefined | Promise<RpcAnswer | undefined> {
    try {
      const { id, method, params } = readRequest(message);
      const result = this.#call(method, params);
      if (result instanceof Promise) {
        return result.then(
          (value) => (id === undefined ? undefined : answerOf(id, value)),
          (thrown: unknown) => this.#fault(message, thrown),
        );
      }
      return id === undefined ? undefined : answerOf(id, result);
    } catch (thrown) {
      return this.#fault(message, thrown);
    }
  }

  #fault(message: unknown, thrown: unknown): RpcAnswer | undefined {
    const known = thrown instanceof RpcFault || thrown instanceof StatewattError;
    if (!known) this.#facts.log.error({ err: thrown }, 'request over WebSocket failed');
    const isNotification = typeof message === 'object' && message !== null && 'method' in message && !('id' in message);
    return isNotification ? undefined : faultOf(idOf(message), thrown);
  }

  #call(name: string, params: unknown): unknown {
    this.#count();
    if (name === 'auth') return this.#authenticate(params);
    const method = this.#methodOf(name, params);
    if (method === undefined) throw new RpcFault(RPC.method, `Method not found: ${name}`);
    const isKnown = performance.now() - this.#knownAt < KNOWN_MS;
    const { needs } = method;
    const isAdmitted = this.#identity !== null && denialOf(this.#identity, needs, params) === undefined;
    if (isKnown && isAdmitted && !isWrittenDown(needs, undefined)) return method.call(params, this.#identity);
    return this.#callChecked(name, method, params);
  }

  async #callChecked(name: string, method: Method, params: unknown): Promise<unknown> {
    await this.#know();
    await this.#admit(name, method.needs, params);
    return method.call(params, this.#identity);
  }

  /** Whose readings it may hear of: administrators of all, others of their own. */
  get #only(): string | undefined {
    if (this.#identity === null) return '';
    return this.#identity.role === 'admin' ? undefined : userOf(this.#identity);
  }

  #methodOf(name: string, params: unknown): Method | undefined {
    if (name === 'subscribe') {
      const needs = (params as { topic?: unknown } | null)?.topic === 'readings' ? 'own' : 'read';
      return { needs, call: (given) => this.#subscriptions.add(given, this.#only) };
    }
    if (name === 'unsubscribe') return { needs: 'own', call: (given) => this.#subscriptions.remove(given) };
    return this.#parts.methods.get(name);
  }

  /** Holds what the method needs against the role, and writes down what is more than to read. */
  async #admit(name: string, needs: Need, params: unknown): Promise<void> {
    const { gatekeeper, counters } = this.#parts;
    const denial = denialOf(this.#identity, needs, params);
    if (denial !== undefined) counters.deny(denial.code);
    const { address, requestId } = this.#facts;
    const facts = { address, requestId, what: `WS ${name}`, ref: refOf(params) };
    await writeDown(gatekeeper, this.#identity, needs, denial, facts);
    if (denial !== undefined) throw denial;
  }

  async #authenticate(params: unknown): Promise<unknown> {
    if (!isAuth(params)) throw invalidParams(isAuth);
    this.#credentials = params;
    this.#knownAt = -Infinity;
    this.#follow(null);
    await this.#know();
    const denial = denialOf(this.#identity, 'own');
    if (this.#identity === null) throw denial as StatewattError;
    const { name, role, via } = this.#identity;
    return { status: 'authenticated', name, role, via };
  }

  /** @throws `access.invalid_credentials`, `access.token_expired`, `access.session_ended`, `access.unavailable` */
  async #know(): Promise<void> {
    if (performance.now() - this.#knownAt < KNOWN_MS) return;
    const { gatekeeper } = this.#parts;
    const identity = gatekeeper === undefined ? ANYBODY : await gatekeeper.identify(this.#credentials);
    this.#follow(identity ?? null);
    this.#knownAt = performance.now();
  }

  /** From now on it is of this one, and ends when that one may not be in any more. */
  #follow(identity: Identity | null): void {
    const before = this.#identity;
    this.#identity = identity;
    const keys = ['name', 'role', 'session', 'key'] as const;
    if (keys.every((key) => identity?.[key] === before?.[key])) return;
    this.#forget();
    this.#forget = identity === null ? () => undefined : this.#parts.open.add(identity, () => this.#end());
  }

  #end(): void {
    this.#identity = null;
    this.#socket.close(CLOSE.notSignedIn, 'sign in');
  }

  async #closeStranger(): Promise<void> {
    try {
      await this.#know();
      if (this.#identity !== null) return;
    } catch (thrown) {
      // Not known for the moment is not unknown.
      if (thrown instanceof StatewattError && thrown.category !== 'invalid') return;
    }
    this.#end();
  }

  /** @throws `http.rate_limited` */
  #count(): void {
    const { rateLimit, counters } = this.#parts;
    if (rateLimit === 0 || this.#identity?.via === 'open') return;
    const now = performance.now();
    if (now - this.#window.since >= 10_000) this.#window = { since: now, requests: 0 };
    this.#window.requests += 1;
    if (this.#window.requests <= rateLimit * 10) return;
    counters.rateLimited += 1;
    throw new StatewattError('http.rate_limited', 'busy', `more than ${rateLimit * 10} requests within 10 s`, {
      retryAfterMs: Math.ceil(this.#window.since + 10_000 - now),
    });
  }

  #send(answer: RpcAnswer | readonly RpcAnswer[]): void {
    this.#socket.send(JSON.stringify(answer), () => {
      if (this.#socket.isPaused && this.#underWay < MAX_UNDER_WAY && this.#socket.bufferedAmount < MAX_WAITING_BYTES) {
        this.#socket.resume();
      }
    });
    if (this.#socket.bufferedAmount >= MAX_WAITING_BYTES) this.#socket.pause();
  }

  #push(method: string, params: object): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(JSON.stringify({ jsonrpc: '2.0', method, params }), (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }
}
