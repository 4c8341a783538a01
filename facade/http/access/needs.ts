import type { FastifyInstance, RouteOptions } from 'fastify';
import { StatewattError } from '../../../errors/error.js';
import type { Need } from '../../../site/access.js';

export type { Need };

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a request to the route needs; every route says it. */
    needs?: Need;
    /** Media types of the body, where it is not JSON. */
    takes?: readonly string[];
  }
}

/** For the `config` of a route. */
export const open = { needs: 'public' } as const;
/** Of whoever sees only what is their own, the query’s `user` is that one. */
export const readsOwn = { needs: 'own' } as const;
export const reads = { needs: 'read' } as const;
export const operates = { needs: 'operate' } as const;
export const configures = { needs: 'configure' } as const;
export const administers = { needs: 'admin' } as const;

/** Routes that plugins add for files that anybody may have: the API’s documentation and the web page. */
const FILES = /^(\/api\/docs(\/.*)?|\/\*?)$/;

/**
 * Sees to it that every route added from now on says what it needs.
 * @throws `http.route_without_need` when the route is added
 */
export function requireNeeds(app: FastifyInstance): void {
  app.addHook('onRoute', (route: RouteOptions) => {
    if (route.config?.needs !== undefined) return;
    if (FILES.test(route.url) && [route.method].flat().every((method) => method === 'GET' || method === 'HEAD')) {
      route.config = { ...route.config, ...open };
      return;
    }
    throw new StatewattError(
      'http.route_without_need',
      'internal',
      `The route ${[route.method].flat().join(', ')} ${route.url} does not say what it needs; ` +
        `give it config: readsOwn, reads, operates, configures or administers (facade/http/access/needs.ts).`,
    );
  });
}
