import assert from 'node:assert/strict';
import sinon from 'sinon';
import type { SeriesPage } from '../../../actors/client/archive-schemas.js';
import { buildHttpApp, type HttpApp } from '../../../facade/http/app.js';
import { FakeClient } from '../../support/fake-client.js';

const TIME = 1_750_000_000_000;
interface Failure {
  error: { code: string; message: string };
}

describe('HTTP routes of history', () => {
  let client: FakeClient;
  let app: HttpApp;
  beforeEach(() => {
    client = new FakeClient({ channels: 2, time: TIME });
    app = buildHttpApp({ client, host: '127.0.0.1' });
  });
  afterEach(async () => {
    sinon.restore();
    await app.close();
  });

  it('gives series of several points', async () => {
    const asked = sinon.spy(client.archive, 'series');
    const answer = await app.inject(
      '/api/v1/history?points=1001:T:1,comsrv:1002:T:2&every=15m&aggregates=avg,count&fill=linear&timeZone=Europe/Berlin&from=1&to=2&limit=5',
    );
    assert.equal(answer.statusCode, 200);
    assert.deepEqual(
      { ...asked.lastCall.args[0] },
      {
        points: [
          { channel: 1001, kind: 'T', id: 1 },
          { channel: 1002, kind: 'T', id: 2 },
        ],
        every: '15m',
        aggregates: ['avg', 'count'],
        fill: 'linear',
        timeZone: 'Europe/Berlin',
        from: 1,
        to: 2,
        limit: 5,
      },
    );
    assert.deepEqual(answer.json<SeriesPage>().series[1]?.rows, [{ time: 1, avg: 42.5, count: 60 }]);
    for (const [query, code] of [
      ['points=nowhere&every=1m', 'points.invalid_address'],
      ['points=1001:T:1&every=1m&aggregates=median', 'history.invalid_query'],
      ['points=1001:T:1', 'http.invalid_request'],
    ] as const) {
      const wrong = await app.inject(`/api/v1/history?${query}`);
      assert.deepEqual([wrong.statusCode, wrong.json<Failure>().error.code], [400, code]);
    }
  });

  it('sends an export piece by piece, and its errors as any other', async () => {
    const csv = await app.inject('/api/v1/history/export?points=1001:T:1,1001:T:2');
    assert.equal(csv.headers['content-type'], 'text/csv; charset=utf-8');
    assert.equal(csv.headers['content-disposition'], 'attachment; filename="history.csv"');
    assert.equal(csv.body, 'channel,kind,point,time,value,text,quality\n2 points as csv\n');
    const parquet = await app.inject('/api/v1/history/export?points=1001:T:1&format=parquet');
    assert.equal(parquet.headers['content-type'], 'application/vnd.apache.parquet');
    assert.equal(client.archive.ended, 2);
    const wrong = await app.inject('/api/v1/history/export?channel=1');
    assert.deepEqual([wrong.statusCode, wrong.json<Failure>().error.code], [400, 'history.invalid_query']);
  });

  it('takes CSV and NDJSON, and tells what is wrong by line', async () => {
    const send = (type: string, payload: string) =>
      app.inject({ method: 'POST', url: '/api/v1/history/import', headers: { 'content-type': type }, payload });
    const csv = await send('text/csv; charset=utf-8', 'address,time,value\n1001:T:1,5,1\nx,5,1\n1001:T:1,5,2\n');
    assert.deepEqual(csv.json(), {
      rows: 3,
      stored: 2,
      replaced: 1,
      measured: 0,
      refused: 1,
      problems: [
        {
          line: 3,
          problem:
            '"x" is no point; allowed: <channel>:<kind>:<id> with kind T, S, C or A, as comsrv:1001:T:1, or model:<id>:<point>',
        },
      ],
    });
    const json = await send('application/x-ndjson', '{"address":"1001:T:2","time":5,"value":1}\n');
    assert.equal(json.json<{ stored: number }>().stored, 1);
    const other = await send('text/plain', 'address,time,value\n');
    assert.deepEqual([other.statusCode, other.json<Failure>().error.code], [415, 'http.content_type']);
    assert.match(other.json<Failure>().error.message, /takes text\/csv or application\/x-ndjson only/);
    const large = await send('text/csv', `address,time,value\n${'1001:T:1,5,1\n'.repeat(10_000)}`);
    assert.equal(large.json<{ rows: number }>().rows, 10_000, 'an import has no bound of its own');
    const unread = await send('text/csv', 'a,b\n1,2\n');
    assert.deepEqual([unread.statusCode, unread.json<Failure>().error.code], [400, 'history.invalid_file']);
  });

  it('answers VoltageEMS’s clients with a bare list', async () => {
    const asked = sinon.spy(client, 'history');
    const answer = await app.inject('/hissrv/data/telemetry?channel_id=1001&point_id=1&duration=5m');
    assert.equal(answer.statusCode, 200);
    const { channel, kind, id, from = 0, to = 0 } = asked.lastCall.args[0];
    assert.deepEqual([channel, kind, id, to - from], [1001, 'T', 1, 300_000]);
    const rows = answer.json<
      {
        time: string;
        value: number;
        channel_id: string;
        point_id: string;
        quality: string;
      }[]
    >();
    assert.ok(rows.length > 100);
    assert.deepEqual([rows[0]?.channel_id, rows[0]?.point_id, rows[0]?.quality], ['1001', '1', 'good']);
    assert.ok(rows.every(({ value }) => typeof value === 'number'));
    const page = await app.inject('/hissrv/data/signal?channel_id=1001&point_id=1&limit=2');
    assert.equal(page.json<unknown[]>().length, 2);
    const next = await app.inject(
      `/hissrv/data/signal?channel_id=1001&point_id=1&limit=2&cursor=${String(page.headers['x-next-cursor'])}`,
    );
    assert.notDeepEqual(next.json(), page.json());
    assert.equal((await app.inject('/hissrv/data/telemetry?channel_id=9&point_id=1')).statusCode, 404);
    assert.equal((await app.inject('/hissrv/data/telemetry?channel_id=1001&point_id=1&duration=long')).statusCode, 400);
    assert.equal(
      (await app.inject('/hissrv/data/telemetry?channel_id=1001&point_id=1&duration=99999w')).statusCode,
      400,
    );
  });
});
