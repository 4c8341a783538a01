import { Svcm, type Service, type ServiceMsg } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { SpanKind, type Span } from '@opentelemetry/api';
import { StatewattError, toStatewattError } from '../../errors/error.js';
import { contextOf, failSpan, tracer, within } from '../../telemetry/spans.js';
import type { Gatekeeper } from '../../actors/client/access.js';
import type { StatewattClient } from '../../actors/client/client.js';
import {
  ALL_ENDPOINTS,
  SERVICES,
  serviceName,
  type Endpoint,
  type EndpointContext,
  type ServiceName,
} from '../../actors/client/endpoints.js';
import { admitRequest } from './admission.js';
import { callEndpoint, publicError, respondError } from './answer.js';
import { OpenFiles } from './files.js';
import { LiveChanges } from './live.js';
import { requestReader, type RequestReader } from './requests.js';
import { EndpointCounts, reportCounts } from './statistics.js';

/** Requests under way at once in this node; more are refused as busy. */
const MAX_UNDER_WAY = 1024;
const BUSY_RETRY_MS = 500;
const LEASE_MS = 15_000;
/** A server that says nothing of its max_payload has NATS's own default. */
const DEFAULT_MAX_PAYLOAD = 1024 * 1024;
/** What stop waits for the requests that are under way. */
const DRAIN_MS = 5_000;

export interface NatsServicesOptions {
  /** Its owner closes it, after `stop`. */
  nats: NatsConnection;
  client: StatewattClient;
  /** Who may ask; without it everybody may ask everything. */
  gatekeeper?: Gatekeeper | undefined;
  /** Semantic version of the product. */
  version: string;
  /** Name of the node that answers; in each service's metadata. */
  node: string;
  /** Told what no caller is told: failures that nobody foresaw, and a service that ended by itself. */
  onProblem?: (error: StatewattError) => void;
  /** Ms that live changes flow after a request for them. */
  leaseMs?: number;
  maxUnderWay?: number;
}

export interface NatsServices {
  /** Channels (or `*`), the alarms and models, whose changes are published now. */
  readonly watched: readonly (number | string)[];
  /** Takes no more requests, answers those under way, ends live changes. */
  stop(): Promise<void>;
}

/**
 * Serves the public interface as NATS micro services (NATS ADR-32), discoverable with any NATS client. All nodes share
 * one queue group, so each request is answered by one of them.
 */
export async function startNatsServices(options: NatsServicesOptions): Promise<NatsServices> {
  const node = new NatsNode(options);
  try {
    for (const service of Object.keys(SERVICES) as ServiceName[]) await node.add(service);
    await options.nats.flush();
  } catch (error) {
    await node.stop();
    throw error;
  }
  return node;
}

class NatsNode implements NatsServices {
  readonly #options: NatsServicesOptions;
  readonly #maxUnderWay: number;
  readonly #onProblem: (error: StatewattError) => void;
  readonly #live: LiveChanges;
  readonly #files: OpenFiles;
  readonly #context: EndpointContext;
  readonly #services: Service[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: NatsServicesOptions) {
    const { nats, client, leaseMs = LEASE_MS, onProblem = () => undefined } = options;
    this.#options = options;
    this.#maxUnderWay = options.maxUnderWay ?? MAX_UNDER_WAY;
    this.#onProblem = onProblem;
    this.#live = new LiveChanges(nats, client, leaseMs, onProblem);
    this.#files = new OpenFiles(nats, onProblem);
    this.#context = {
      client,
      watch: (channel) => this.#live.watch(channel),
      watchAlarms: () => this.#live.watchAlarms(),
      watchModel: (id) => this.#live.watchModel(id),
      openFile: (reader, read) => this.#files.open(reader, read),
    };
  }

  get watched(): readonly (number | string)[] {
    return this.#live.watched;
  }

  async add(name: ServiceName): Promise<void> {
    const { nats, node, version } = this.#options;
    const service = await new Svcm(nats).add({
      name: serviceName(name),
      version,
      description: SERVICES[name],
      metadata: { node },
    });
    this.#services.push(service);
    const counts = new Map<string, EndpointCounts>();
    reportCounts(service, counts);
    for (const endpoint of ALL_ENDPOINTS) if (endpoint.service === name) this.#addEndpoint(service, endpoint, counts);
    void service.stopped.then((error) => {
      if (!this.#stopping && !nats.isClosed()) this.#onProblem(ended(name, error));
    });
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (!this.#options.nats.isClosed()) await Promise.all(this.#services.map((service) => service.stop()));
    await Promise.race([Promise.all(this.#underWay), unreferencedDelay(DRAIN_MS)]);
    this.#files.stop();
    await this.#live.stop();
    if (!this.#options.nats.isClosed()) await this.#options.nats.flush();
  }

  #addEndpoint(service: Service, endpoint: Endpoint, allCounts: Map<string, EndpointCounts>): void {
    const read = requestReader(endpoint);
    const counts = new EndpointCounts();
    allCounts.set(endpoint.name, counts);
    service.addEndpoint(endpoint.name, {
      subject: endpoint.subject,
      metadata: {
        description: endpoint.summary,
        changes: String(endpoint.changes),
        request_schema: JSON.stringify(endpoint.request),
        response_schema: JSON.stringify(endpoint.response),
      },
      handler: (_error, message) => {
        const span = requestSpan(endpoint, message);
        const done = within(span, () => this.#serve(endpoint, read, counts, message, span)).finally(() => {
          span?.end();
          this.#underWay.delete(done);
        });
        this.#underWay.add(done);
      },
    });
  }

  /** Answers one request. Never rejects. */
  async #serve(
    endpoint: Endpoint,
    read: RequestReader,
    counts: EndpointCounts,
    message: ServiceMsg,
    span: Span | undefined,
  ): Promise<void> {
    const startedAt = process.hrtime.bigint();
    try {
      if (this.#underWay.size >= this.#maxUnderWay) throw busy(this.#maxUnderWay);
      const maxBytes = this.#options.nats.info?.max_payload ?? DEFAULT_MAX_PAYLOAD;
      const request = await admitRequest(this.#options.gatekeeper, endpoint, message, read);
      message.respond(await callEndpoint(endpoint, this.#context, request, maxBytes));
      counts.count(startedAt);
    } catch (thrown) {
      const error = toStatewattError(thrown);
      failSpan(span, error);
      if (error.category === 'internal') this.#onProblem(error);
      counts.count(startedAt, `${error.code}: ${error.message}`);
      this.#respondError(message, publicError(error));
    }
  }

  #respondError(message: ServiceMsg, error: StatewattError): void {
    try {
      respondError(message, error);
    } catch (thrown) {
      this.#onProblem(toStatewattError(thrown, 'nats.not_answered'));
    }
  }
}

/** The traceparent is in the request's headers, as NATS clients of any language send it. */
function requestSpan({ subject }: Endpoint, { headers }: ServiceMsg): Span | undefined {
  return tracer()?.startSpan(
    subject,
    { kind: SpanKind.SERVER, attributes: { 'rpc.system': 'nats', 'rpc.method': subject } },
    contextOf(headers?.get('traceparent')),
  );
}

function busy(allowed: number): StatewattError {
  return new StatewattError('nats.busy', 'busy', `${allowed} requests are under way; that is all that is allowed.`, {
    retryAfterMs: BUSY_RETRY_MS,
    details: { allowed },
  });
}

function ended(name: ServiceName, error: Error | null): StatewattError {
  return new StatewattError(
    'nats.service_ended',
    'unavailable',
    `the NATS service ${serviceName(name)} ended: ${error?.message ?? 'no reason given'}`,
    { cause: error },
  );
}

function unreferencedDelay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
