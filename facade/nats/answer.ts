import type { ServiceMsg } from '@nats-io/services';
import { StatewattError } from '../../errors/error.js';
import type { Endpoint, EndpointContext } from '../../actors/client/endpoints.js';
import { STATUS } from '../http/errors.js';

/** Characters of a message that go into the header Nats-Service-Error; the body has them all. */
const MAX_HEADER = 200;

/**
 * Calls an endpoint and answers the bytes of its answer. A page that is larger than a message may be is asked again
 * with a smaller limit: `limit` says how many items there are at most, and `nextCursor` where the next page begins.
 *
 * @param maxBytes what the server takes in one message
 * @throws `nats.answer_too_large`, and what the client throws
 */
export async function callEndpoint(
  endpoint: Endpoint,
  context: EndpointContext,
  request: Record<string, unknown>,
  maxBytes: number,
): Promise<Buffer> {
  for (let limit = request.limit; ;) {
    const answer = await endpoint.call(context, limit === undefined ? request : { ...request, limit });
    const body = Buffer.from(JSON.stringify(answer));
    if (body.byteLength <= maxBytes) return body;
    if (typeof limit !== 'number' || limit <= 1) throw tooLarge(body.byteLength, maxBytes);
    limit = Math.max(1, Math.floor((limit * 0.8 * maxBytes) / body.byteLength));
  }
}

function tooLarge(found: number, allowed: number): StatewattError {
  return new StatewattError(
    'nats.answer_too_large',
    'invalid',
    `The answer has ${found} bytes; the NATS server takes ${allowed} in one message (its max_payload).`,
    { details: { found, allowed } },
  );
}

/** Answers an error as NATS services do: number and text as headers, and the error itself in the body. */
export function respondError(message: ServiceMsg, error: StatewattError): void {
  const text = `${error.code}: ${error.message}`.replace(/\s+/g, ' ').slice(0, MAX_HEADER);
  message.respondError(STATUS[error.category], text, JSON.stringify({ error: error.toJSON() }));
}

/** What a caller is told: an error that nobody foresaw may carry anything, so only the node's log gets it. */
export function publicError(error: StatewattError): StatewattError {
  if (error.code !== 'internal.unexpected') return error;
  return new StatewattError('internal.unexpected', 'internal', 'The node failed unexpectedly; its log has the cause.');
}
