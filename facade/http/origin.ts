import { hostname } from 'node:os';
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { StatewattError } from '../../errors/error.js';
import { contentTypeError } from './errors.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Programs send this command without a body and without a content type. */
    bodiless?: true;
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Keeps web pages of other sites from reading or commanding this one through a browser that can reach it.
 *
 * - Host must name this server: an IP address, localhost, this machine's name, the host it listens on, or a name that
 *   was allowed. Another name may have been made to resolve to this machine (DNS rebinding); an address cannot.
 * - A request that changes something must be JSON, or what else its route takes (a page elsewhere cannot send that
 *   without asking first, and it is allowed to those of `origins` only; so no route may take plain text or forms) and its
 *   Origin, when there is one, must be this server or one of those. A route may also take a command without a body from a
 *   program that says nothing of its type. Of a DELETE without a body the type does not count: a page elsewhere cannot send
 *   that either without asking first (Fetch Standard, CORS-safelisted methods), and clients set all sorts of types.
 *
 * @throws `http.host_not_allowed`, `http.origin_not_allowed`, `http.content_type`
 */
export function createOriginGuard(
  host: string,
  allowedHosts: readonly string[],
  origins: readonly string[] = [],
): (request: FastifyRequest) => void {
  const machine = hostname().toLowerCase();
  const names = new Set(['localhost', machine, `${machine}.local`, host.toLowerCase()]);
  for (const name of allowedHosts) names.add(name.toLowerCase());

  return (request) => {
    const { host: requested = '', origin, 'content-type': contentType } = request.headers;
    const name = hostName(requested);
    if (!names.has(name) && isIP(name) === 0) {
      throw new StatewattError(
        'http.host_not_allowed',
        'invalid',
        `The host name "${name}" is not one of this server's. Allowed: IP addresses, ${[...names].join(', ')}.`,
        { details: { found: name, allowed: [...names] } },
      );
    }
    // A browser opens a WebSocket for any page, and says only whose it is.
    const isUpgrade = request.headers.upgrade !== undefined;
    if (SAFE_METHODS.has(request.method) && !isUpgrade) return;
    if (origin !== undefined && !sameHost(origin, requested) && !origins.includes(origin)) {
      throw new StatewattError(
        'http.origin_not_allowed',
        'invalid',
        `A page of ${origin} may not change anything at ${requested}.`,
        { details: { found: origin, allowed: requested } },
      );
    }
    if (SAFE_METHODS.has(request.method)) return;
    if (request.method === 'DELETE' && isEmpty(request)) {
      delete request.headers['content-type']; // Otherwise a body of that type is looked for.
      return;
    }
    if (contentType === undefined && isBareCommand(request)) return;
    const [type = ''] = (contentType ?? '').split(';');
    const taken = request.routeOptions.config.takes ?? ['application/json'];
    if (!taken.includes(type.trim().toLowerCase())) throw contentTypeError(request, taken);
  };
}

/** No browser sends that: it says at each POST where it comes from, and of a form what it holds. */
function isBareCommand(request: FastifyRequest): boolean {
  const { headers, routeOptions } = request;
  const browser = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined;
  return routeOptions.config.bodiless === true && isEmpty(request) && !browser;
}

function isEmpty({ headers }: FastifyRequest): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

/** The name of a Host header, without port and brackets. */
function hostName(host: string): string {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host);
  return (match?.[1] ?? match?.[2] ?? host).toLowerCase();
}

/** Whether an Origin (scheme and host) is that of a Host header; the scheme may be that of a proxy in front. */
function sameHost(origin: string, host: string): boolean {
  const scheme = /^https?:\/\//.exec(origin)?.[0];
  if (scheme === undefined || !URL.canParse(origin) || !URL.canParse(scheme + host)) return false;
  return new URL(origin).host === new URL(scheme + host).host;
}
