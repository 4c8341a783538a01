import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import sinon from 'sinon';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { StatewattError } from '../../../errors/error.js';
import { liveTraceparent } from '../../../telemetry/spans.js';
import { FakeClient } from '../../support/fake-client.js';
import { keepSpans } from '../../support/spans.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('HTTP traces', () => {
  let kept: ReturnType<typeof keepSpans>;
  let client: FakeClient;
  let app: HttpApp;

  beforeEach(() => {
    kept = keepSpans();
    client = new FakeClient({ channels: 2 });
    app = buildHttpApp({ client, host: '127.0.0.1', metrics: () => Promise.resolve('up 1\n') });
  });
  afterEach(async () => {
    sinon.restore();
    await app.close();
    kept.stop();
  });

  it('go on from the caller’s traceparent into what the route asks, with a body too', async () => {
    let seen: string | undefined;
    const write = client.write.bind(client);
    sinon.stub(client, 'write').callsFake((request) => {
      seen = liveTraceparent();
      return write(request);
    });
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/points/comsrv:1001:C:1/write?x=1',
      headers: { traceparent: TRACEPARENT, 'content-type': 'application/json' },
      payload: { value: 1 },
    });
    assert.equal(answer.statusCode, 200);
    const span = kept.named('POST /api/v1/points/:address/write');
    assert.equal(span.kind, SpanKind.SERVER);
    assert.equal(span.parentSpanId, 'b7ad6b7169203331');
    assert.equal(seen, `00-0af7651916cd43dd8448eb211c80319c-${span.spanId}-01`);
    assert.equal(span.attributes['http.response.status_code'], 200);
    assert.equal(span.attributes['url.path'], '/api/v1/points/comsrv:1001:C:1/write');
    assert.equal(span.attributes['statewatt.request_id'], answer.headers['x-request-id']);
    assert.ok(span.ended);
    assert.equal(span.status.code, SpanStatusCode.UNSET);
  });

  it('begin here when the caller has none, or nonsense', async () => {
    for (const headers of [{}, { traceparent: 'nonsense' }]) await app.inject({ url: '/api/v1/channels', headers });
    assert.deepEqual(
      kept.spans.map(({ parentSpanId }) => parentSpanId),
      [undefined, undefined],
    );
    assert.notEqual(kept.spans[0]?.traceId, kept.spans[1]?.traceId);
  });

  it('note what went wrong; only the server’s own failures count as such', async () => {
    await app.inject({ url: '/api/v1/channels/9' });
    const missing = kept.named('GET /api/v1/channels/:id');
    assert.equal(missing.attributes['http.response.status_code'], 404);
    assert.equal(missing.attributes['error.type'], 'channels.not_found');
    assert.equal(missing.status.code, SpanStatusCode.UNSET);

    sinon.stub(client, 'channels').rejects(new StatewattError('bus.unavailable', 'unavailable', 'away'));
    await app.inject({ url: '/api/v1/channels' });
    const failed = kept.named('GET /api/v1/channels');
    assert.equal(failed.attributes['error.type'], 'bus.unavailable');
    assert.equal(failed.status.code, SpanStatusCode.ERROR);
    assert.ok(kept.spans.every((span) => span.ended));
  });

  it('are not made of probes, metrics and event streams', async () => {
    for (const url of ['/health', '/health/live', '/metrics', '/api/v1/points/stream?channel=9']) {
      await app.inject({ url });
    }
    assert.deepEqual(kept.spans, []);
  });
});
