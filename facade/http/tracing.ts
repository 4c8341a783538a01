import type { ServerResponse } from 'node:http';
import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { contextOf, tracer, within } from '../../telemetry/spans.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its requests have no span: they last as long as somebody looks. */
    untraced?: boolean;
  }
  interface FastifyRequest {
    /** What it takes, as OpenTelemetry counts it; none without an SDK. */
    span: Span | undefined;
  }
}

/**
 * Gives each request to the routes of `app` a span that goes on from the caller's traceparent (W3C Trace Context); what
 * the route asks of actors is part of the same trace. Names and attributes are OpenTelemetry's conventions for HTTP servers.
 */
export function traceRequests(app: FastifyInstance): void {
  app.decorateRequest('span', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    request.span = requestSpan(request);
    if (request.span !== undefined) endWith(reply.raw, request.span);
    done();
  });
  // Just before the route: reading the body begins on the connection's own time, outside of any span.
  app.addHook('preHandler', (request, _reply, done) => within(request.span, done));
  app.addHook('onError', (request, _reply, error, done) => {
    const { code } = error as { code?: unknown };
    request.span?.setAttribute('error.type', typeof code === 'string' ? code : error.name);
    done();
  });
}

/** Not hooks: without spans nothing is to be listened to. */
function endWith(answer: ServerResponse, span: Span): void {
  answer.once('finish', () => {
    span.setAttribute('http.response.status_code', answer.statusCode);
    // What the client did wrong is no failure of the server.
    if (answer.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  });
  answer.once('close', () => {
    if (!answer.writableFinished) span.end(); // The caller went before it was answered.
  });
}

function requestSpan(request: FastifyRequest): Span | undefined {
  const maker = tracer();
  if (maker === undefined) return undefined;
  const { method, routeOptions, headers, url, protocol } = request;
  if (routeOptions.config.untraced === true) return undefined;
  const route = routeOptions.url ?? '';
  const { traceparent } = headers;
  return maker.startSpan(
    `${method} ${route}`,
    {
      kind: SpanKind.SERVER,
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'url.path': url.split('?', 1)[0] ?? url,
        'url.scheme': protocol,
        'statewatt.request_id': request.id,
      },
    },
    contextOf(typeof traceparent === 'string' ? traceparent : undefined),
  );
}
