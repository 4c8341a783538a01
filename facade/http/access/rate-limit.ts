import rateLimit from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { StatewattError } from '../../../errors/error.js';
import type { HttpCounters } from '../counters.js';

/** A page that is opened asks much at once: the rate counts over so long. */
const WINDOW_MS = 10_000;
/** Callers that are counted; the one that asked longest ago goes first. */
const MAX_CALLERS = 10_000;

/**
 * Bounds what one caller, a user, an API key or, unknown, an address, may ask. Probes and files are free; so is
 * everything while nobody has to sign in.
 *
 * @param perSecond requests a second, on average of ten seconds
 */
export function limitRates(app: FastifyInstance, perSecond: number, counters: HttpCounters): void {
  void app.register(rateLimit, {
    max: Math.max(1, Math.round((perSecond * WINDOW_MS) / 1_000)),
    timeWindow: WINDOW_MS,
    cache: MAX_CALLERS,
    keyGenerator: callerOf,
    global: false,
    errorResponseBuilder: (_request, { max, ttl }) => {
      counters.rateLimited += 1;
      return new StatewattError(
        'http.rate_limited',
        'busy',
        `More than ${max} requests came from here within ${WINDOW_MS / 1_000} s; that is all that is allowed.`,
        { retryAfterMs: ttl, details: { allowed: max, windowMs: WINDOW_MS } },
      );
    },
  });
  // Not as the plugin adds it to each route: that would wait for promises also where nothing is counted.
  app.after(() => {
    const limit = app.rateLimit() as unknown as (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
    app.addHook('onRequest', (request, reply, done) => {
      if (isFree(request)) return done();
      limit(request, reply).then(() => done(), done);
    });
  });
}

/** Those who share an address but not a name do not take from each other. */
function callerOf({ identity, ip }: FastifyRequest): string {
  return identity === null || identity.via === 'open' ? `address ${ip}` : `${identity.via} ${identity.name}`;
}

function isFree(request: FastifyRequest): boolean {
  if (request.identity?.via === 'open' || request.is404) return true;
  return request.needs === 'public' && request.routeOptions.url?.startsWith('/auth/') !== true;
}
