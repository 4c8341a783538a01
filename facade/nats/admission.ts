import { randomUUID } from 'node:crypto';
import type { ServiceMsg } from '@nats-io/services';
import { signerOf } from '../../actors/client/acting.js';
import type { Credentials, Gatekeeper, Identity } from '../../actors/client/access.js';
import type { Endpoint } from '../../actors/client/endpoints.js';
import { needsOf } from '../../actors/client/needs.js';
import { StatewattError } from '../../errors/error.js';
import { denialOf, refOf, withinOwn, writeDown } from '../admission.js';
import type { RequestReader } from './requests.js';

/** NATS does not tell its services where a request comes from. */
const ADDRESS = 'nats';

/**
 * Finds out who a request is from, holds what it needs against the role before the body is looked at, and writes down
 * what is more than to read before it is done: as over HTTP.
 *
 * @returns the request, in the name of whoever has signed in, and for no more than that one may see
 * @throws `access.not_signed_in`, `access.forbidden`, `access.invalid_credentials` …; what `read` throws
 */
export async function admitRequest(
  gatekeeper: Gatekeeper | undefined,
  endpoint: Endpoint,
  { headers, data }: Pick<ServiceMsg, 'headers' | 'data'>,
  read: RequestReader,
): Promise<Record<string, unknown>> {
  const needs = needsOf(endpoint);
  if (gatekeeper === undefined || needs === 'public') return read(data, null);
  const facts = { address: ADDRESS, what: `NATS ${endpoint.subject}`, requestId: randomUUID() };
  const { identity, refusal } = await identify(gatekeeper, credentialsOf(headers));
  const denial = refusal ?? denialOf(identity, needs);
  if (denial !== undefined || identity === null) {
    await writeDown(gatekeeper, identity, needs, denial, { ...facts, ref: '' });
    throw denial as StatewattError;
  }
  const request = read(data, signerOf(identity));
  const denialOfOther = denialOf(identity, needs, request);
  await writeDown(gatekeeper, identity, needs, denialOfOther, { ...facts, ref: refOf(request) });
  if (denialOfOther !== undefined) throw denialOfOther;
  return withinOwn(identity, needs, request) as Record<string, unknown>;
}

async function identify(
  gatekeeper: Gatekeeper,
  shown: Credentials,
): Promise<{ identity: Identity | null; refusal?: StatewattError }> {
  try {
    return { identity: (await gatekeeper.identify(shown)) ?? null };
  } catch (thrown) {
    if (!(thrown instanceof StatewattError) || thrown.category !== 'invalid') throw thrown;
    return { identity: null, refusal: thrown };
  }
}

/** `Authorization: Bearer …` or `X-API-Key`; names of NATS headers are told apart by case, those of HTTP are not. */
function credentialsOf(headers: ServiceMsg['headers']): Credentials {
  if (headers === undefined) return {};
  const apiKey = valueOf(headers, 'x-api-key');
  if (apiKey !== undefined) return { apiKey };
  const token = /^Bearer +(\S+)$/i.exec(valueOf(headers, 'authorization') ?? '')?.[1];
  return token === undefined ? {} : { token };
}

function valueOf(headers: NonNullable<ServiceMsg['headers']>, name: string): string | undefined {
  const key = headers.keys().find((known) => known.toLowerCase() === name);
  return key === undefined ? undefined : headers.get(key);
}
