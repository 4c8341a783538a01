import { Ajv, type AnySchema } from 'ajv';
import { StatewattError, errorMessage } from '../../errors/error.js';
import { actingAs } from '../../actors/client/acting.js';
import type { Endpoint } from '../../actors/client/endpoints.js';
import { requestError } from '../http/validation.js';
import { OWN_SCHEMAS, validator } from '../../site/validator.js';

const ajv = new Ajv({
  ...OWN_SCHEMAS,
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: true,
  allowUnionTypes: true,
});

/** Reads the bytes of a request; no bytes are a request without parameters. `who` has signed in; null: nobody has to. */
export type RequestReader = (bytes: Uint8Array, who: string | null) => Record<string, unknown>;

/**
 * Compiles an endpoint's request schema, once, when the first request comes.
 * The reader throws `nats.invalid_json` and `nats.invalid_request` with all that is wrong.
 */
export function requestReader(endpoint: Endpoint): RequestReader {
  const isValid = validator<Record<string, unknown>>(() => ajv.compile(endpoint.request as AnySchema));
  return (bytes, who) => {
    const given = parse(bytes);
    const request = who === null ? given : actingAs(who, endpoint, given);
    if (isValid(request)) return request;
    throw requestError('nats.invalid_request', isValid.errors ?? [], 'request');
  };
}

function parse(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new StatewattError(
      'nats.invalid_json',
      'invalid',
      `The request is no JSON: ${errorMessage(cause)}. Allowed: a JSON object, or nothing.`,
      { cause },
    );
  }
}
