import { existsSync } from 'node:fs';
import { join } from 'node:path';
import staticFiles from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { StatewattError } from '../../errors/error.js';
import type { HttpApp } from './app.js';

/** The page loads nothing from elsewhere and nobody may frame it (it can command the site). */
const PAGE_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const YEAR_SECONDS = 31_536_000;
const NOT_PAGES = /^\/(api|auth|health|metrics|ws)(\/|$|\?)/;

/**
 * Serves the built web page. Files below assets/ carry a hash in their name and are kept by browsers; all else is
 * asked for again each time.
 * @throws `http.web_root` when there is no index.html in `webRoot`.
 */
export function addWebPage(app: HttpApp, webRoot: string): void {
  if (!existsSync(join(webRoot, 'index.html'))) {
    throw new StatewattError('http.web_root', 'invalid', `${webRoot} holds no index.html; build the web page first.`);
  }
  app.register(staticFiles, {
    root: webRoot,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(webRoot, 'assets'));
      reply.header('cache-control', hashed ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache');
      reply.header('content-security-policy', PAGE_POLICY);
      reply.header('x-content-type-options', 'nosniff');
    },
  });
}

/** Whether a path without a file or route is one of the page's own views, for which index.html is the answer. */
export function isPageView(request: FastifyRequest): boolean {
  return (
    (request.method === 'GET' || request.method === 'HEAD') &&
    !NOT_PAGES.test(request.url) &&
    (request.headers.accept ?? '').includes('text/html')
  );
}

export function sendPage(reply: FastifyReply): FastifyReply {
  return reply.code(200).sendFile('index.html');
}
