import assert from 'node:assert/strict';
import { pino } from 'pino';
import sinon from 'sinon';
import { StatewattError, type ErrorCategory } from '../../../errors/error.js';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

const JSON_TYPE = { 'content-type': 'application/json' };

interface Envelope {
  error: {
    code: string;
    category: string;
    message: string;
    details?: { errors?: { path: string; found: string; allowed: string }[]; found?: unknown };
    retryAfterMs?: number;
    requestId: string;
  };
}

describe('HTTP errors', () => {
  let client: FakeClient;
  let app: HttpApp;
  const lines: string[] = [];

  beforeEach(() => {
    lines.length = 0;
    client = new FakeClient();
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    app = buildHttpApp({ client, host: '127.0.0.1', logger });
  });
  afterEach(async () => {
    sinon.restore();
    await app.close();
  });

  const categories: [ErrorCategory, number][] = [
    ['invalid', 400],
    ['not_found', 404],
    ['conflict', 409],
    ['busy', 429],
    ['timeout', 504],
    ['unavailable', 503],
    ['internal', 500],
  ];
  for (const [category, status] of categories) {
    it(`answers ${category} with ${status} in the envelope`, async () => {
      const thrown = new StatewattError('some.code', category, 'why', { details: { found: 7 }, retryAfterMs: 2500 });
      sinon.stub(client, 'channels').rejects(thrown);
      const answer = await app.inject({ url: '/api/v1/channels' });
      assert.equal(answer.statusCode, status);
      assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
      assert.deepEqual(answer.json(), { error: { ...thrown.toJSON(), requestId: answer.headers['x-request-id'] } });
      const retryAfter = status === 429 || status === 503 ? '3' : undefined;
      assert.equal(answer.headers['retry-after'], retryAfter);
    });
  }

  it('says when to come back even if the error does not', async () => {
    sinon.stub(client, 'channels').rejects(new StatewattError('some.code', 'busy', 'full'));
    assert.equal((await app.inject({ url: '/api/v1/channels' })).headers['retry-after'], '1');
  });

  it('keeps the words of an unexpected failure in the log, found by the request id', async () => {
    sinon.stub(client, 'channels').rejects(new Error('secret of the house'));
    const answer = await app.inject({ url: '/api/v1/channels' });
    assert.equal(answer.statusCode, 500);
    const { error } = answer.json<Envelope>();
    assert.equal(error.code, 'internal.unexpected');
    assert.doesNotMatch(answer.body, /secret/);
    const line = JSON.parse(lines.find((each) => each.includes('secret')) ?? '{}') as { requestId: string };
    assert.equal(line.requestId, error.requestId);
  });

  it('logs nothing for requests that are served or that are the caller’s fault', async () => {
    await app.inject({ url: '/api/v1/channels' });
    await app.inject({ url: '/api/v1/channels/x' });
    assert.deepEqual(lines, []);
  });

  it('says all that is wrong with a request at once: where, found, allowed', async () => {
    const answer = await app.inject({ url: '/api/v1/points?limit=0&kind=X&colour=red&channel=a&id=1&id=2' });
    assert.equal(answer.statusCode, 400);
    const { error } = answer.json<Envelope>();
    assert.equal(error.code, 'http.invalid_request');
    const found = Object.fromEntries((error.details?.errors ?? []).map((each) => [each.path, each]));
    assert.deepEqual(found['query.limit'], { path: 'query.limit', found: '0', allowed: 'integer from 1 to 10000' });
    assert.deepEqual(found['query.kind'], { path: 'query.kind', found: '"X"', allowed: 'one of T, S, C, A' });
    assert.equal(found['query.channel']?.found, '"a"');
    assert.equal(found['query.id']?.found, '["1","2"]');
    assert.match(found['query.colour']?.allowed ?? '', /^only the names channel, kind, id, name, limit, cursor$/);
    assert.equal(Object.keys(found).length, 5);
  });

  it('names a union once, with all that it allows, and what is missing', async () => {
    const write = async (payload: object) => {
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/points/1:A:1/write',
        headers: JSON_TYPE,
        payload,
      });
      assert.equal(answer.statusCode, 400);
      return answer.json<Envelope>().error.details?.errors;
    };
    assert.deepEqual(await write({ value: { deep: true } }), [
      { path: 'body.value', found: '{"deep":true}', allowed: 'number or boolean or string' },
    ]);
    assert.deepEqual(await write({ commandId: '' }), [
      { path: 'body.value', found: 'nothing', allowed: 'number or boolean or string' },
      { path: 'body.commandId', found: '""', allowed: 'string from 1 to 128 characters' },
    ]);
    assert.deepEqual(await write([]), [
      { path: 'body', found: '[]', allowed: 'object with value, commandId, deadlineMs' },
    ]);
  });

  it('does not repeat a long value whole', async () => {
    const answer = await app.inject({ url: `/api/v1/points?kind=${'T'.repeat(5000)}` });
    assert.ok(answer.body.length < 1000);
  });

  for (const url of [
    '/api/v1/points?id=Infinity',
    '/api/v1/points?id=1e999',
    '/api/v1/points/1:T:1/history?to=-1e999',
    '/api/v1/channels/0',
    '/api/v1/channels/4294967296',
    '/api/v1/channels/1.5',
    '/api/v1/points/1001',
    '/api/v1/points/0:T:1',
    '/api/v1/points/1:T:0',
    '/api/v1/points/%zz',
    `/api/v1/points/${'1'.repeat(300)}`,
  ]) {
    it(`refuses ${url.slice(0, 60)} in the envelope`, async () => {
      const answer = await app.inject({ url });
      assert.ok([400, 414].includes(answer.statusCode), String(answer.statusCode));
      const { error } = answer.json<Envelope>();
      assert.equal(error.category, 'invalid');
      assert.equal(error.requestId, answer.headers['x-request-id']);
    });
  }

  it('refuses what is not JSON and says why', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/channels/1001/commands',
      headers: JSON_TYPE,
      payload: '{"command":',
    });
    assert.equal(answer.statusCode, 400);
    const { error } = answer.json<Envelope>();
    assert.equal(error.code, 'http.invalid_json');
    assert.match(error.message, /Unexpected end/);
  });

  it('refuses a body without the fields, and one that is missing', async () => {
    for (const payload of ['{}', '', 'null', '{"__proto__":{"command":"stop"}}']) {
      const answer = await app.inject({
        method: 'POST',
        url: '/api/v1/channels/1001/commands',
        headers: JSON_TYPE,
        payload,
      });
      assert.equal(answer.statusCode, 400, payload);
      assert.equal(answer.json<Envelope>().error.code, 'http.invalid_request');
    }
  });

  it('refuses a body that is too large', async () => {
    const payload = JSON.stringify({ command: 'x'.repeat(70_000) });
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/channels/1001/commands',
      headers: JSON_TYPE,
      payload,
    });
    assert.equal(answer.statusCode, 413);
    assert.equal(answer.json<Envelope>().error.code, 'http.body_too_large');
    assert.match(answer.json<Envelope>().error.message, /65536 bytes/);
  });

  it('answers unknown routes in the envelope', async () => {
    for (const [method, url] of [
      ['GET', '/nothing?x=1'],
      ['GET', '/api/v1/nothing'],
      ['DELETE', '/api/v1/channels'],
      ['GET', '/metrics'],
    ] as const) {
      const answer = await app.inject({ method, url, headers: JSON_TYPE });
      assert.equal(answer.statusCode, 404, url);
      assert.equal(answer.json<Envelope>().error.code, 'http.route_not_found');
    }
  });
});
