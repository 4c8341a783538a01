import assert from 'node:assert/strict';
import Fastify, { type RouteOptions } from 'fastify';
import { open, requireNeeds } from '../../../facade/http/access/needs.js';
import { buildHttpApp } from '../../../facade/http/app.js';
import { WEB_ROOT } from '../../../facade/web-root.js';
import { NEEDS } from '../../../site/access.js';
import { FakeClient } from '../../support/fake-client.js';
import { existsSync } from 'node:fs';

describe('what routes need', () => {
  it('is said by every route of the whole HTTP face', async () => {
    const app = buildHttpApp({
      client: new FakeClient(),
      host: '127.0.0.1',
      metrics: () => Promise.resolve(''),
      ...(existsSync(WEB_ROOT) ? { webRoot: WEB_ROOT } : {}),
    });
    const routes: RouteOptions[] = [];
    app.addHook('onRoute', (route) => void routes.push(route));
    await app.ready();
    assert.ok(routes.length > 40, `${routes.length} routes`);
    for (const { method, url, config } of routes) {
      assert.ok(config?.needs !== undefined && NEEDS.includes(config.needs), `${String(method)} ${url}`);
    }
    const changing = routes.filter(({ method }) => [method].flat().some((name) => name !== 'GET' && name !== 'HEAD'));
    const loose = changing.filter(
      ({ config, url }) =>
        config?.needs === 'read' ||
        config?.needs === 'own' ||
        (config?.needs === 'public' && !url.startsWith('/auth/')),
    );
    assert.deepEqual(
      loose.map(({ url }) => url),
      [],
      'a route that changes something needs more than to read',
    );
    await app.close();
  });

  it('must be said by a route that is added', () => {
    const app = Fastify();
    requireNeeds(app);
    assert.throws(() => app.get('/api/v1/new', () => 'new'), { code: 'http.route_without_need' });
    assert.throws(() => app.post('/api/docs/new', () => 'new'), { code: 'http.route_without_need' });
    app.get('/api/v1/other', { config: open }, () => 'other');
    app.get('/api/docs/page', () => 'a page of the documentation');
  });
});
