import assert from 'node:assert/strict';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

type Body = Record<string, unknown>;
const RULE = { id: 'cold', condition: '1001:T:1 < 5', actions: [{ type: 'publish', subject: 'site.cold' }] };

describe('rules over HTTP', () => {
  let client: FakeClient;
  let app: HttpApp;
  beforeEach(() => {
    client = new FakeClient();
    app = buildHttpApp({ client, host: '127.0.0.1' });
  });
  afterEach(() => app.close());
  const send = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, payload?: object) => {
    const bare = payload === undefined && url.startsWith('/rulesrv/');
    const json = bare ? {} : { 'content-type': 'application/json' };
    const sent = payload === undefined ? {} : { payload };
    const answer = await app.inject({ method, url, headers: { host: '127.0.0.1', ...json }, ...sent });
    return { status: answer.statusCode, body: (answer.body === '' ? null : answer.json()) as Body };
  };
  const codeOf = ({ body }: { body: Body }) => (body.error as { code: string }).code;

  it('are made, read, evaluated, changed and removed', async () => {
    const made = await send('POST', '/api/v1/rules', RULE);
    assert.deepEqual(
      [made.status, made.body.ref, made.body.source, made.body.state],
      [201, 'rule/cold', 'caller', 'waiting'],
    );
    assert.deepEqual(made.body.actions, [{ type: 'publish', subject: 'site.cold', on: 'fires', onFailure: 'stop' }]);
    assert.equal((await send('POST', '/api/v1/rules', RULE)).status, 409);
    const { rules } = (await send('GET', '/api/v1/rules?state=waiting')).body as { rules: { id: string }[] };
    assert.deepEqual(rules.map(({ id }) => id).sort(), ['cold', 'hot']);
    const evaluated = await send('POST', '/api/v1/rules/cold/evaluate');
    assert.deepEqual([evaluated.status, evaluated.body.triggered, evaluated.body.trigger], [200, true, 'manual']);
    assert.equal((await send('GET', '/api/v1/rules/cold')).body.state, 'active');
    const { executions } = (await send('GET', '/api/v1/rules/cold/executions')).body as { executions: Body[] };
    assert.deepEqual(executions[0]?.steps, [{ action: 0, status: 'queued', at: executions[0]?.at }]);
    assert.equal((await send('GET', '/api/v1/rules/cold/dry-run?from=1&to=2')).body.fired, 1);
    assert.equal((await send('POST', '/api/v1/rules/cold/disable')).body.enabled, false);
    assert.equal(codeOf(await send('POST', '/api/v1/rules/cold/evaluate', { commandId: 'x' })), 'rules.not_enabled');
    assert.equal((await send('POST', '/api/v1/rules/cold/enable', {})).body.enabled, true);
    assert.equal((await send('PUT', '/api/v1/rules/cold', { name: 'Cold', holdMs: 5 })).body.name, 'Cold');
    assert.equal((await send('DELETE', '/api/v1/rules/cold')).status, 204);
    assert.equal((await send('GET', '/api/v1/rules/cold')).status, 404);
  });

  it('of the site file are not changed over HTTP', async () => {
    for (const answer of [
      await send('PUT', '/api/v1/rules/hot', { name: 'x' }),
      await send('DELETE', '/api/v1/rules/hot'),
    ]) {
      assert.deepEqual([answer.status, codeOf(answer)], [409, 'rules.configured']);
    }
  });

  it('are refused with what is wrong', async () => {
    for (const wrong of [
      { ...RULE, id: 'a b' },
      { ...RULE, condition: 5 },
      { ...RULE, condition: { all: [] } },
      { ...RULE, actions: [] },
      { ...RULE, actions: [{ type: 'mail' }] },
      { ...RULE, actions: [{ type: 'publish', subject: 'cmd.1.x' }] },
      { ...RULE, actions: [{ type: 'write', point: '1001:C:1' }] },
      { ...RULE, hold_ms: 1 },
    ]) {
      assert.equal(codeOf(await send('POST', '/api/v1/rules', wrong)), 'http.invalid_request', JSON.stringify(wrong));
    }
    const grouped = await send('POST', '/api/v1/rules', {
      ...RULE,
      condition: { any: ['1001:T:1 > 1', '1001:T:1 >'] },
    });
    assert.match(JSON.stringify(grouped.body), /condition\.any\[1\]: at 1:11 of it, found the end/);
  });

  it('are there in the words of VoltageEMS', async () => {
    const request = {
      name: 'Temperature Threshold Rule',
      description: 'Trigger when temperature > 80°C',
      condition: { expression: 'comsrv:1001:T:1 > 80.0', data_sources: ['comsrv:1001:T:1'] },
      actions: [
        {
          action_type: 'create_alarm',
          parameters: { title: 'High Temperature', level: 'Warning', description: 'Temperature threshold exceeded' },
        },
      ],
      enabled: true,
    };
    const made = await send('POST', '/rulesrv/rules', request);
    assert.equal(made.status, 201);
    const { id, condition, actions } = made.body as { id: string; condition: unknown; actions: Body[] };
    assert.deepEqual(condition, request.condition);
    assert.equal(actions[0]?.action_type, 'create_alarm');
    assert.equal((await send('GET', `/rulesrv/rules/${id}/execution`)).status, 404);
    const evaluated = await send('POST', `/rulesrv/rules/${id}/evaluate`);
    assert.deepEqual([evaluated.status, evaluated.body.triggered], [200, true]);
    const execution = (await send('GET', `/rulesrv/rules/${id}/execution`)).body;
    assert.deepEqual([execution.triggered, typeof execution.executed_at], [true, 'string']);
    assert.equal(((await send('GET', `/rulesrv/rules/${id}/executions`)).body as unknown as Body[]).length, 1);
    assert.equal((await send('POST', `/rulesrv/rules/${id}/disable`)).body.enabled, false);
    const changed = await send('PUT', `/rulesrv/rules/${id}`, {
      name: 'Other',
      condition: { expression: '1001:T:1 > 1' },
    });
    assert.deepEqual([changed.status, changed.body.name], [200, 'Other']);
    assert.equal(((await send('GET', '/rulesrv/rules')).body as unknown as Body[]).length, 2);
    assert.equal((await send('GET', `/rulesrv/rules/${id}`)).body.name, 'Other');
    assert.deepEqual((await send('DELETE', `/rulesrv/rules/${id}`)).body, { id });
    for (const [wrong, code] of [
      [
        { ...request, condition: { expression: '1001:T:1 > 1', data_sources: ['temperature'] } },
        'rules.invalid_sources',
      ],
      [{ ...request, condition: { expression: '1001:T:1 > 1', data_sources: [] } }, 'rules.invalid_sources'],
      [{ ...request, actions: [{ action_type: 'sing', parameters: {} }] }, 'http.invalid_request'],
      [{ ...request, actions: [{ action_type: 'create_alarm', parameters: { level: 'x' } }] }, 'http.invalid_request'],
    ] as const) {
      assert.equal(codeOf(await send('POST', '/rulesrv/rules', wrong)), code);
    }
  });

  it('take a command without a body from a program, not from a page elsewhere', async () => {
    const post = (headers: Record<string, string>) =>
      app.inject({ method: 'POST', url: '/rulesrv/rules/hot/evaluate', headers: { host: '127.0.0.1', ...headers } });
    assert.equal((await post({})).statusCode, 200);
    assert.equal((await post({ origin: 'http://elsewhere.example' })).statusCode, 403);
    assert.equal((await post({ 'content-type': 'text/plain' })).statusCode, 415);
    assert.equal((await post({ 'sec-fetch-site': 'cross-site' })).statusCode, 415);
  });
});
