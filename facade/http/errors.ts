import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { StatewattError, type ErrorBody, type ErrorCategory } from '../../errors/error.js';
import { invalidRequest } from './validation.js';

/** The number of each category, over HTTP and NATS. */
export const STATUS: Record<ErrorCategory, number> = {
  invalid: 400,
  not_found: 404,
  conflict: 409,
  busy: 429,
  timeout: 504,
  unavailable: 503,
  internal: 500,
};

/** Errors of this face for which HTTP has a status of its own (RFC 9110, section 15.5). */
const OWN_STATUS: Record<string, number> = {
  'access.not_signed_in': 401,
  'access.invalid_credentials': 401,
  'access.token_expired': 401,
  'access.session_ended': 401,
  'access.forbidden': 403,
  'http.origin_not_allowed': 403,
  'http.body_too_large': 413,
  'http.uri_too_long': 414,
  'http.content_type': 415,
  'http.host_not_allowed': 421,
};

/** Seconds of Retry-After when an error that may pass does not say how long it will take. */
const DEFAULT_RETRY_MS = 1000;

/** The wire form of every error over HTTP. */
export interface ErrorEnvelope {
  error: ErrorBody & { requestId: string };
}

export function envelope(error: StatewattError, requestId: string): ErrorEnvelope {
  return { error: { ...error.toJSON(), requestId } };
}

/** Answers anything thrown by a route, by validation or by Fastify itself in the error envelope. */
export function sendError(thrown: FastifyError | Error, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const error = translate(thrown, request);
  const status = OWN_STATUS[error.code] ?? STATUS[error.category];
  if (status === 500) request.log.error({ err: thrown }, 'request failed');
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="statewatt"');
  if (status === 429 || status === 503) {
    reply.header('retry-after', Math.max(1, Math.ceil((error.retryAfterMs ?? DEFAULT_RETRY_MS) / 1000)));
  }
  return reply
    .code(status)
    .header('x-request-id', request.id)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(envelope(error, request.id));
}

function translate(thrown: FastifyError | Error, request: FastifyRequest): StatewattError {
  if (thrown instanceof StatewattError) return thrown;
  if ('validation' in thrown && thrown.validation !== undefined) {
    return invalidRequest(thrown.validation, thrown.validationContext ?? 'request');
  }
  const code = 'code' in thrown ? thrown.code : '';
  const status = 'statusCode' in thrown ? (thrown.statusCode ?? 500) : 500;
  switch (code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return contentTypeError(request, request.routeOptions.config.takes ?? ['application/json']);
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new StatewattError(
        'http.body_too_large',
        'invalid',
        `The body is larger than the ${request.routeOptions.bodyLimit ?? 0} bytes that are allowed.`,
        { details: { allowedBytes: request.routeOptions.bodyLimit } },
      );
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new StatewattError('http.uri_too_long', 'invalid', 'A part of the path is too long.');
    default:
  }
  if (status >= 400 && status < 500) return new StatewattError('http.bad_request', 'invalid', thrown.message);
  return new StatewattError(
    'internal.unexpected',
    'internal',
    'The server failed unexpectedly; its log has the cause under this request id.',
    { cause: thrown },
  );
}

export function contentTypeError(request: FastifyRequest, allowed: readonly string[]): StatewattError {
  const found = request.headers['content-type'];
  return new StatewattError(
    'http.content_type',
    'invalid',
    `Content-Type is ${found === undefined ? 'not given' : `"${found}"`}; ${request.method} takes ${allowed.join(' or ')} only.`,
    { details: { found: found ?? null, allowed } },
  );
}

export function notFound(request: FastifyRequest): StatewattError {
  const path = request.url.split('?', 1)[0] ?? request.url;
  return new StatewattError(
    'http.route_not_found',
    'not_found',
    `There is no ${request.method} ${path}. The routes are listed at /api/openapi.json.`,
    { details: { method: request.method, path } },
  );
}
