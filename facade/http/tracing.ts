import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { contextOf, tracer, within } from '../../telemetry/spans.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Its requests have no span: they last as long as somebody looks. */
    untraced?: boolean;
  }
}

/**
 * Gives each request to the routes of `app` a span that goes on from the caller's traceparent (W3C Trace Context); what
 * the route asks of actors is part of the same trace. Names and attributes are OpenTelemetry's conventions for HTTP servers.
 */
export function traceRequests(app: FastifyInstance): void {
  const spans = new WeakMap<FastifyRequest, Span>();
  app.addHook('onRequest', (request, _reply, done) => {
    const span = requestSpan(request);
    if (span !== undefined) spans.set(request, span);
    done();
  });
  // Just before the route: reading the body begins on the connection's own time, outside of any span.
  app.addHook('preHandler', (request, _reply, done) => within(spans.get(request), done));
  app.addHook('onError', (request, _reply, error, done) => {
    const { code } = error as { code?: unknown };
    spans.get(request)?.setAttribute('error.type', typeof code === 'string' ? code : error.name);
    done();
  });
  app.addHook('onRequestAbort', (request, done) => {
    spans.get(request)?.end();
    spans.delete(request);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const span = spans.get(request);
    span?.setAttribute('http.response.status_code', reply.statusCode);
    // What the client did wrong is no failure of the server.
    if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
    span?.end();
    done();
  });
}

function requestSpan(request: FastifyRequest): Span | undefined {
  const { method, routeOptions, headers, url, protocol } = request;
  if (routeOptions.config.untraced === true) return undefined;
  const route = routeOptions.url ?? '';
  const { traceparent } = headers;
  return tracer()?.startSpan(
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
