import { randomUUID } from 'node:crypto';
import Fastify, {
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyServerFactory,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { errorMessage, StatewattError } from '../../errors/error.js';
import type { Gatekeeper } from '../../actors/client/access.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { OpenConnections } from '../open-connections.js';
import { addWebSocket, type WebSocketOptions } from '../websocket/server.js';
import { controlAccess } from './access/control.js';
import { requireNeeds } from './access/needs.js';
import { limitRates } from './access/rate-limit.js';
import { ConnectionCloser } from './connections.js';
import { allowOrigins } from './cors.js';
import { HttpCounters } from './counters.js';
import { addDocumentation } from './documentation.js';
import { notFound, sendError } from './errors.js';
import { createOriginGuard } from './origin.js';
import { accessRoutes } from './routes/access.js';
import { alarmRoutes } from './routes/alarms.js';
import { alarmsrvRoutes } from './routes/alarmsrv.js';
import { actorRoutes } from './routes/actors.js';
import { authRoutes, meRoute } from './routes/auth.js';
import { channelRoutes } from './routes/channels.js';
import { configurationRoutes } from './routes/configuration.js';
import { deadLetterRoutes } from './routes/dead-letters.js';
import { forwardingRoutes } from './routes/forwarding.js';
import { healthRoutes } from './routes/health.js';
import { hissrvRoutes } from './routes/hissrv.js';
import { historyRoutes } from './routes/history.js';
import { meterRoutes } from './routes/meters.js';
import { ledgerRoutes } from './routes/ledger.js';
import { mintingRoutes } from './routes/minting.js';
import { modelRoutes } from './routes/models.js';
import { readingRoutes, submitReadingRoute } from './routes/readings.js';
import { modsrvRoutes } from './routes/modsrv.js';
import { pointRoutes } from './routes/points.js';
import { ruleRoutes } from './routes/rules.js';
import { rulesrvRoutes } from './routes/rulesrv.js';
import { serviceRoutes } from './routes/services.js';
import { streamRoutes } from './routes/stream.js';
import { named } from './schemas.js';
import { KEEP_ALIVE_S, ShortPath } from './short-path.js';
import { EventStreams } from './stream.js';
import { createServer, type TlsFiles } from './tls.js';
import { traceRequests } from './tracing.js';
import { compileValidator } from './validation.js';
import { addWebPage, isPageView, sendPage } from './web.js';

/** Bytes of a request's body; the largest is a write of one point. */
const BODY_LIMIT = 64 * 1024;
/** Milliseconds within which the head of a request must have arrived, and all of it: an import may take its time. */
export const HEADERS_TIMEOUT_MS = 30_000;
export const REQUEST_TIMEOUT_MS = 3_600_000;
/** Milliseconds that requests under way have to end once the server closes. */
export const CLOSE_GRACE_MS = 5_000;

export type HttpApp = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

export interface HttpAppOptions {
  client: StatewattClient;
  /** Address or name to listen on. */
  host: string;
  /** Folder of the built web page; without it only the API is served. */
  webRoot?: string;
  /** Gives the metrics in the Prometheus text format for GET /metrics. */
  metrics?: () => Promise<string>;
  logger?: FastifyBaseLogger;
  /** Who may come in; without it everybody may do everything. */
  gatekeeper?: Gatekeeper;
  /** Requests a second of one caller, on average of ten seconds. Default 0: as many as it likes. */
  rateLimit?: number;
  /** Addresses of proxies in front, whose word is taken for where a request comes from. */
  proxies?: readonly string[];
  /** What is turned away is counted here. */
  counters?: HttpCounters;
  /** Further host names under which browsers reach this server, as behind a proxy. */
  allowedHosts?: readonly string[];
  /** First of the ports on which the services are served on their own too. */
  servicePorts?: number;
  /** HTTPS instead of HTTP. */
  tls?: TlsFiles;
  /** Pages of other sites that may use this server (CORS), as https://app.example.com. */
  origins?: readonly string[];
  /** Milliseconds that requests under way have to end once the server closes. Default 5000. */
  closeGraceMs?: number;
  /** Bounds of WebSockets. */
  websocket?: WebSocketOptions;
  /** Bounds of the event streams. */
  streams?: { heartbeatMs?: number; maxStreams?: number };
}

/** The whole HTTP face over a client, not yet listening. */
export function buildHttpApp(options: HttpAppOptions): HttpApp {
  const {
    client,
    host,
    webRoot,
    metrics,
    logger,
    allowedHosts = [],
    origins = [],
    gatekeeper,
    rateLimit = 0,
    proxies = [],
  } = options;
  const counters = options.counters ?? new HttpCounters();
  const short = new ShortPath(client, gatekeeper);
  const app: HttpApp = Fastify({
    ...(logger === undefined ? {} : { loggerInstance: logger }),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: () => randomUUID(),
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_TIMEOUT_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS },
    // With pages of other sites every answer has more to say.
    serverFactory: serverOf(options.tls, origins.length === 0 ? short : undefined),
    return503OnClosing: false, // what was accepted before the end is still answered
    routerOptions: { maxParamLength: 256 },
    trustProxy: proxies.length === 0 ? false : [...proxies],
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
  }).withTypeProvider<TypeBoxTypeProvider>();

  app.setValidatorCompiler(compileValidator);
  app.setSerializerCompiler(() => JSON.stringify);
  app.setErrorHandler(sendError);
  app.setNotFoundHandler((request, reply) =>
    webRoot !== undefined && isPageView(request) ? sendPage(reply) : sendError(notFound(request), request, reply),
  );
  readOnlyJson(app);
  requireNeeds(app);

  const guard = createOriginGuard(host, allowedHosts, origins);
  app.addHook('onRequest', (request, reply, done) => {
    guard(request);
    short.letIn(request.headers.host);
    reply
      .header('x-request-id', request.id)
      .header('x-content-type-options', 'nosniff')
      .header('cache-control', 'no-store');
    done();
  });
  allowOrigins(app, origins);

  controlAccess(app, gatekeeper, counters);
  if (rateLimit > 0) limitRates(app, rateLimit, counters);

  const open = new OpenConnections(gatekeeper);
  addWebSocket(app, { client, gatekeeper, counters, rateLimit, open }, options.websocket);

  const connections = new ConnectionCloser(app.server, options.closeGraceMs ?? CLOSE_GRACE_MS);
  const streams = new EventStreams(options.streams, open);
  app.addHook('preClose', (done) => {
    short.close();
    open.stop();
    streams.close();
    connections.close();
    done();
  });

  for (const schema of named.values()) app.addSchema(schema);
  addDocumentation(app);
  void app.register(
    (api, _options, done) => {
      traceRequests(api);
      const typed: HttpApp = api.withTypeProvider<TypeBoxTypeProvider>();
      channelRoutes(typed, client);
      streamRoutes(typed, client, streams);
      pointRoutes(typed, client);
      historyRoutes(typed, client);
      modelRoutes(typed, client);
      actorRoutes(typed, client);
      alarmRoutes(typed, client);
      ruleRoutes(typed, client);
      deadLetterRoutes(typed, client);
      meterRoutes(typed, client);
      readingRoutes(typed, client);
      forwardingRoutes(typed, client);
      mintingRoutes(typed, client);
      ledgerRoutes(typed, client);
      configurationRoutes(typed, client);
      accessRoutes(typed, client);
      done();
    },
    { prefix: '/api/v1' },
  );
  void app.register(
    (api, _options, done) => {
      modsrvRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client);
      done();
    },
    { prefix: '/modsrv' },
  );
  void app.register(
    (api, _options, done) => {
      submitReadingRoute(api.withTypeProvider<TypeBoxTypeProvider>(), client);
      done();
    },
    { prefix: '/api/meters' },
  );
  void app.register(
    (api, _options, done) => {
      alarmsrvRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client);
      done();
    },
    { prefix: '/alarmsrv' },
  );
  void app.register(
    (api, _options, done) => {
      rulesrvRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client);
      done();
    },
    { prefix: '/rulesrv' },
  );
  void app.register(
    (api, _options, done) => {
      hissrvRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client);
      done();
    },
    { prefix: '/hissrv' },
  );
  void app.register(
    (api, _options, done) => {
      forwardingRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client, { hidden: true });
      done();
    },
    { prefix: '/netsrv' },
  );
  void app.register(
    (api, _options, done) => {
      const typed: HttpApp = api.withTypeProvider<TypeBoxTypeProvider>();
      meRoute(typed);
      if (gatekeeper !== undefined) authRoutes(typed, gatekeeper, counters);
      done();
    },
    { prefix: '/auth' },
  );
  void app.register((api, _options, done) => {
    healthRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client, metrics);
    serviceRoutes(api.withTypeProvider<TypeBoxTypeProvider>(), client, options.servicePorts);
    done();
  });
  if (webRoot !== undefined) addWebPage(app, webRoot);
  return app;
}

/** Fastify sets the bounds of a server that it makes itself; this one gets the same. */
function serverOf(tls: TlsFiles | undefined, short: ShortPath | undefined): FastifyServerFactory {
  return (handler) => {
    const server = createServer(tls, short === undefined ? handler : short.before(handler));
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.keepAliveTimeout = KEEP_ALIVE_S * 1_000;
    return server;
  };
}

/** Bodies are JSON and nothing else; a body may be left out where a route takes none. */
function readOnlyJson(app: HttpApp): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body === '') return done(null, undefined);
    try {
      done(null, JSON.parse(body));
    } catch (thrown) {
      done(new StatewattError('http.invalid_json', 'invalid', `The body is not JSON: ${errorMessage(thrown)}.`));
    }
  });
}
