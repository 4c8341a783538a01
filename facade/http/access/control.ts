import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuditNote, Gatekeeper, Identity } from '../../../actors/client/access.js';
import { StatewattError } from '../../../errors/error.js';
import { may, roleFor, type Need } from '../../../site/access.js';
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

/** Without access control everybody may do everything. */
const ANYBODY: Identity = { name: 'anonymous', role: 'admin', via: 'open' };

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
    if (denial !== undefined) {
      counters.deny(denial.code);
      // Who shows nothing at all is no news; who shows something wrong, or wants more than it may, is.
      if (denial.code !== 'access.not_signed_in') await gatekeeper?.note(noteOf(request, needs, denial));
      throw denial;
    }
    if (needs !== 'read') await gatekeeper?.note(noteOf(request, needs));
  });
}

/** Why somebody may not do what needs `needs`; undefined: may. */
export function denialOf(identity: Identity | null, needs: Need): StatewattError | undefined {
  if (identity === null) {
    return new StatewattError(
      'access.not_signed_in',
      'invalid',
      'Sign in first: send a token (Authorization: Bearer …, from POST /auth/login) or an API key (X-API-Key).',
    );
  }
  if (may(identity.role, needs)) return undefined;
  const allowed = roleFor(needs);
  return new StatewattError(
    'access.forbidden',
    'invalid',
    `${identity.name} is ${identity.role}; this needs the role ${allowed} or more.`,
    { details: { found: identity.role, allowed } },
  );
}

/** What the audit journal is told of a request. */
export function noteOf(request: FastifyRequest, needs: Need, denial?: StatewattError): AuditNote {
  const { method, routeOptions, url, ip, id, identity } = request;
  return {
    who: identity?.name ?? 'unknown',
    role: identity?.role ?? null,
    address: ip,
    what: `${method} ${routeOptions.url ?? ''}`,
    ref: (url.split('?', 1)[0] ?? url).slice(0, 512),
    needs,
    verdict: denial === undefined ? 'allowed' : 'denied',
    reason: denial?.code ?? null,
    requestId: id,
  };
}
