import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters?: { name: string; in: string }[];
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

describe('OpenAPI document', () => {
  const client = new FakeClient();
  let app: HttpApp;
  let document: Document;

  before(async () => {
    app = buildHttpApp({ client, host: '127.0.0.1', metrics: () => Promise.resolve('') });
    document = (await app.inject({ url: '/api/openapi.json' })).json<Document>();
  });
  after(() => app.close());

  it('is of version 3.1 and names every route once', () => {
    assert.match(document.openapi, /^3\.1\./);
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    assert.deepEqual(operations.sort(), [
      'DELETE /api/v1/history/mappings/{id}',
      'DELETE /api/v1/keys/{id}',
      'DELETE /api/v1/models/{id}',
      'DELETE /api/v1/rules/{id}',
      'DELETE /api/v1/users/{name}',
      'GET /alarmsrv/alarms',
      'GET /alarmsrv/alarms/{id}',
      'GET /alarmsrv/health',
      'GET /api/v1/actors',
      'GET /api/v1/actors/{kind}/{id}',
      'GET /api/v1/alarms',
      'GET /api/v1/alarms/statistics',
      'GET /api/v1/alarms/stream',
      'GET /api/v1/alarms/{id}',
      'GET /api/v1/alarms/{id}/journal',
      'GET /api/v1/audit',
      'GET /api/v1/channels',
      'GET /api/v1/channels/{id}',
      'GET /api/v1/config',
      'GET /api/v1/config/diff',
      'GET /api/v1/config/log',
      'GET /api/v1/config/{number}',
      'GET /api/v1/config/{number}/file',
      'GET /api/v1/dead-letters',
      'GET /api/v1/dead-letters/{id}',
      'GET /api/v1/forwarders',
      'GET /api/v1/forwarders/{id}',
      'GET /api/v1/history',
      'GET /api/v1/history/export',
      'GET /api/v1/history/mappings',
      'GET /api/v1/keys',
      'GET /api/v1/ledger/accounts',
      'GET /api/v1/ledger/export',
      'GET /api/v1/ledger/readings',
      'GET /api/v1/ledger/readings/{meter}/{sequence}',
      'GET /api/v1/ledger/totals',
      'GET /api/v1/meters',
      'GET /api/v1/meters/{id}',
      'GET /api/v1/meters/{id}/held',
      'GET /api/v1/meters/{id}/readings',
      'GET /api/v1/minting',
      'GET /api/v1/minting/batches/{id}',
      'GET /api/v1/minting/reconciliation',
      'GET /api/v1/models',
      'GET /api/v1/models/{id}',
      'GET /api/v1/models/{id}/points/{point}/history',
      'GET /api/v1/models/{id}/stream',
      'GET /api/v1/nodes',
      'GET /api/v1/points',
      'GET /api/v1/points/stream',
      'GET /api/v1/points/{address}',
      'GET /api/v1/points/{address}/history',
      'GET /api/v1/rules',
      'GET /api/v1/rules/{id}',
      'GET /api/v1/rules/{id}/dry-run',
      'GET /api/v1/rules/{id}/executions',
      'GET /api/v1/supervisors',
      'GET /api/v1/templates',
      'GET /api/v1/users',
      'GET /auth/me',
      'GET /comsrv/health',
      'GET /health',
      'GET /health/live',
      'GET /health/ready',
      'GET /hissrv/data/{data}',
      'GET /hissrv/health',
      'GET /metrics',
      'GET /modsrv/health',
      'GET /netsrv/health',
      'GET /rulesrv/health',
      'POST /alarmsrv/alarms',
      'POST /alarmsrv/alarms/{id}/acknowledge',
      'POST /alarmsrv/alarms/{id}/resolve',
      'POST /api/meters/submit-reading',
      'POST /api/v1/actors/{kind}/{id}/kill',
      'POST /api/v1/actors/{kind}/{id}/restart',
      'POST /api/v1/alarms',
      'POST /api/v1/alarms/{id}/acknowledge',
      'POST /api/v1/alarms/{id}/clear',
      'POST /api/v1/alarms/{id}/notes',
      'POST /api/v1/alarms/{id}/out-of-service',
      'POST /api/v1/alarms/{id}/resolve',
      'POST /api/v1/alarms/{id}/return-to-service',
      'POST /api/v1/alarms/{id}/shelve',
      'POST /api/v1/alarms/{id}/suppress',
      'POST /api/v1/alarms/{id}/unshelve',
      'POST /api/v1/alarms/{id}/unsuppress',
      'POST /api/v1/channels/{id}/commands',
      'POST /api/v1/config/{number}/rollback',
      'POST /api/v1/dead-letters/{id}/discard',
      'POST /api/v1/dead-letters/{id}/replay',
      'POST /api/v1/forwarders/{id}/pause',
      'POST /api/v1/forwarders/{id}/resume',
      'POST /api/v1/forwarders/{id}/skip',
      'POST /api/v1/history/import',
      'POST /api/v1/keys',
      'POST /api/v1/meters',
      'POST /api/v1/meters/{id}/reassign',
      'POST /api/v1/meters/{id}/refuse',
      'POST /api/v1/meters/{id}/release',
      'POST /api/v1/meters/{id}/revoke',
      'POST /api/v1/meters/{id}/rotate',
      'POST /api/v1/minting/auto',
      'POST /api/v1/minting/batches/{id}/retry',
      'POST /api/v1/minting/mint',
      'POST /api/v1/models',
      'POST /api/v1/models/bulk',
      'POST /api/v1/models/{id}/points/{point}/write',
      'POST /api/v1/points/{address}/write',
      'POST /api/v1/readings',
      'POST /api/v1/readings/batch',
      'POST /api/v1/readings/stream',
      'POST /api/v1/rules',
      'POST /api/v1/rules/{id}/disable',
      'POST /api/v1/rules/{id}/enable',
      'POST /api/v1/rules/{id}/evaluate',
      'POST /api/v1/rules/{id}/execute',
      'POST /api/v1/users',
      'POST /api/v1/workers/kill',
      'PUT /api/v1/history/mappings/{id}',
      'PUT /api/v1/models/{id}',
      'PUT /api/v1/rules/{id}',
      'PUT /api/v1/users/{name}',
    ]);
  });

  it('tells of each operation its name, what it does and its errors', () => {
    const ids = new Set<string>();
    for (const operation of Object.values(document.paths).flatMap((methods) => Object.values(methods))) {
      ids.add(operation.operationId);
      assert.notEqual(operation.summary, '');
      for (const errors of ['4XX', '5XX']) {
        assert.deepEqual(operation.responses[errors]?.content?.['application/json']?.schema, {
          $ref: '#/components/schemas/ErrorEnvelope',
        });
      }
    }
    assert.equal(ids.size, 123);
  });

  it('points only at components that it holds, each a schema that compiles', () => {
    const references = JSON.stringify(document).match(/"#\/components\/schemas\/[^"]+"/g) ?? [];
    assert.ok(references.length > 30);
    for (const reference of references) {
      const name = reference.slice('"#/components/schemas/'.length, -1);
      assert.ok(name in document.components.schemas, name);
    }
    const ajv = new Ajv2020({ strict: false });
    for (const schema of Object.values(document.components.schemas)) ajv.compile(schema);
  });

  for (const [url, path, status] of [
    ['/api/v1/channels/1001', '/api/v1/channels/{id}', '200'],
    ['/api/v1/points', '/api/v1/points', '200'],
    ['/api/v1/points/1001:T:1', '/api/v1/points/{address}', '200'],
    ['/api/v1/points/1001:T:1/history', '/api/v1/points/{address}/history', '200'],
    ['/api/v1/actors/channel/1001', '/api/v1/actors/{kind}/{id}', '200'],
    ['/api/v1/dead-letters', '/api/v1/dead-letters', '200'],
    ['/api/v1/dead-letters/17', '/api/v1/dead-letters/{id}', '200'],
    ['/api/v1/users', '/api/v1/users', '200'],
    ['/api/v1/keys', '/api/v1/keys', '200'],
    ['/api/v1/audit', '/api/v1/audit', '200'],
    ['/health', '/health', '200'],
    ['/api/v1/channels/9', '/api/v1/channels/{id}', '4XX'],
  ] as const) {
    it(`describes what ${url} answers`, async () => {
      const schema = document.paths[path]?.get?.responses[status]?.content?.['application/json']?.schema;
      assert.ok(schema);
      const ajv = new Ajv2020({ strict: false });
      const validate = ajv.compile({ ...schema, components: document.components });
      const answer = await app.inject({ url });
      assert.ok(validate(answer.json()), JSON.stringify(validate.errors));
      assert.equal(validate({}), false, 'the schema allows anything');
    });
  }

  it('can be tried on a page whose every file is served from here', async () => {
    const page = await app.inject({ url: '/api/docs' });
    assert.equal(page.statusCode, 200);
    assert.match(String(page.headers['content-security-policy']), /^default-src 'self';/);
    const files = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    assert.ok(files.length >= 4);
    for (const file of files) assert.equal((await app.inject({ url: file })).statusCode, 200, file);
  });
});
