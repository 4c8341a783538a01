import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Credentials, Gatekeeper, Identity } from '../../../actors/client/access.js';
import { StatewattError } from '../../../errors/error.js';
import type { Need } from '../../../site/access.js';
import { ANYBODY, denialOf, isWrittenDown, withinOwn, writeDown, type RequestFacts } from '../../admission.js';
import type { HttpCounters } from '../counters.js';
import { credentialsOf } from './credentials.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Who it is from; null: nobody who is known. */
    identity: Identity | null;
    /** Why what it showed is not good. */
    refusal: StatewattError | null;
    /** What its route needs. */
    needs: Need;
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
  app.decorateRequest('needs', 'public');

  // No promises where nothing is waited for: each costs every request.
  app.addHook('onRequest', (request, _reply, done) => {
    request.needs = request.routeOptions.config.needs ?? 'public';
    if (request.needs === 'public') return done();
    if (gatekeeper === undefined) {
      request.identity = ANYBODY;
      return done();
    }
    const shown = credentialsOf(request);
    const known = gatekeeper.identifyNow(shown);
    if (known === undefined) {
      identify(gatekeeper, request, shown).then(() => done(), done);
      return;
    }
    request.identity = known;
    done();
  });

  // After the limits and before the body is read.
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const { needs, identity } = request;
    const denial = request.refusal ?? denialOf(identity, needs, request.query);
    request.query = withinOwn(identity, needs, request.query);
    if (denial === undefined && !isWrittenDown(needs, denial)) return done(null, payload);
    if (denial !== undefined) counters.deny(denial.code);
    writeDown(gatekeeper, identity, needs, denial, factsOf(request)).then(() => done(denial ?? null, payload), done);
  });
}

async function identify(gatekeeper: Gatekeeper, request: FastifyRequest, shown: Credentials): Promise<void> {
  try {
    request.identity = (await gatekeeper.identify(shown)) ?? null;
  } catch (thrown) {
    if (!(thrown instanceof StatewattError) || thrown.category !== 'invalid') throw thrown;
    request.refusal = thrown;
  }
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
