import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Gatekeeper, Identity } from '../../../actors/client/access.js';
import { StatewattError } from '../../../errors/error.js';
import { ANYBODY, denialOf, writeDown, type RequestFacts } from '../../admission.js';
import type { HttpCounters } from '../counters.js';
import { credentialsOf } from './credentials.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who it is from; null: nobody who is known. */
    identity: Identity | null;
    /** Why what it showed is not good. */
    refusal: StatewattError | null;
  }
}

/**
 * The one place where it is checked who may do what over HTTP: who a request is from is found out first, so that
 * callers are counted apart; then its route’s need is held against the role. What is more than to read is in the audit
 * journal before it is done, and so is what is denied.
 */
export function controlAccess(app: FastifyInstance, gatekeeper: Gatekeeper | undefined, counters: HttpCounters): void {
  app.decorateRequest('identity', null);
  app.decorateRequest('refusal', null);

  app.addHook('onRequest', async (request) => {
    const { needs = 'public' } = request.routeOptions.config;
    if (needs === 'public') return;
    try {
      request.identity =
        gatekeeper === undefined ? ANYBODY : ((await gatekeeper.identify(credentialsOf(request))) ?? null);
    } catch (thrown) {
      if (!(thrown instanceof StatewattError) || thrown.category !== 'invalid') throw thrown;
      request.refusal = thrown;
    }
  });

  // After the limits and before the body is read.
  app.addHook('preParsing', async (request) => {
    const { needs = 'public' } = request.routeOptions.config;
    if (needs === 'public') return;
    const denial = request.refusal ?? denialOf(request.identity, needs);
    if (denial !== undefined) counters.deny(denial.code);
    await writeDown(gatekeeper, request.identity, needs, denial, factsOf(request));
    if (denial !== undefined) throw denial;
  });
}

/** What the audit journal is told of a request beside who sent it. */
export function factsOf({ method, routeOptions, url, ip, id }: FastifyRequest): RequestFacts {
  return {
    address: ip,
    what: `${method} ${routeOptions.url ?? ''}`,
    ref: (url.split('?', 1)[0] ?? url).slice(0, 512),
    requestId: id,
  };
}
