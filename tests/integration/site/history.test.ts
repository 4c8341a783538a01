import assert from 'node:assert/strict';
import { Bed, CASE_TIMEOUT_MS } from './bed.js';

interface Row {
  channel_id: string;
  point_id: string;
  time: string;
  value: number;
}

const MAPPING = "{ points: '1001:T:*', source: redis, collect_ms: 1000 }";

describe('history of values that others write into Redis', function () {
  this.timeout(CASE_TIMEOUT_MS);
  let bed: Bed;
  before(async () => {
    bed = await Bed.open();
  });
  after(() => bed.close());

  const stored = (point: number) =>
    bed.site.get<Row[]>(`/hissrv/data/telemetry?channel_id=1001&point_id=${point}&duration=5m`);

  it('TC-HISSRV-001: historical data collection flow', async () => {
    const points = { 1: '100.500000', 2: '85.250000', 3: '1' };
    await bed.reader.hset('comsrv:1001:T', points);
    await bed.run({ 'site.yaml': `site: history\nhistory: { mapping: [${MAPPING}] }\nchannels: []\n` });
    await bed.untilTrue('collected', async () => (await stored(1)).length > 0, 2_000);
    for (const [point, text] of Object.entries(points)) {
      const rows = await stored(Number(point));
      assert.deepEqual([rows[0]?.channel_id, rows[0]?.point_id], ['1001', point]);
      assert.equal(rows[0]?.value, Number(text));
      for (const { time } of rows) assert.equal(Date.parse(time) % 1_000, 0, 'a value for each cycle');
    }
  });

  it('goes on with each cycle, and leaves what the hash holds to those who write it', async () => {
    await bed.reader.hset('comsrv:1001:T', '1', '101.125000');
    await bed.untilTrue('the next value', async () => (await stored(1)).at(-1)?.value === 101.125, 2_000);
    const rows = await stored(1);
    assert.equal(new Set(rows.map(({ time }) => time)).size, rows.length);
    assert.equal(await bed.field('comsrv:1001:T', 1), '101.125000');
  });

  it('keeps the values of now when a function asks for it', async () => {
    await bed.reader.hset('comsrv:1001:T', '4', '7.5');
    const { id } = JSON.parse((await bed.reader.call('FCALL', 'hissrv_collect_data', '0')) as string) as { id: string };
    const result = async () =>
      JSON.parse((await bed.reader.call('FCALL', 'statewatt_result', '1', id)) as string) as Record<string, unknown>;
    await bed.untilTrue('done', async () => (await result()).status === 'done', 1_000);
    assert.deepEqual(await result(), { id, status: 'done', channels: 1, points: 4 });
    await bed.untilTrue('stored', async () => (await stored(4)).some(({ value }) => value === 7.5), 2_000);
    const none = JSON.parse(
      (await bed.reader.call('FCALL', 'hissrv_collect_data', '0', '{"channels":[7]}')) as string,
    ) as { id: string };
    assert.notEqual(none.id, id);
    await assert.rejects(bed.reader.call('FCALL', 'hissrv_collect_data', '0', '{"chanels":[7]}'), /INVALID/);
  });

  it('takes mappings of callers, by HTTP and by function, beside those of the site file', async () => {
    const send = (method: string, id: string, body?: object) => {
      const headers = { 'content-type': 'application/json' };
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      return fetch(`${bed.site.url}/api/v1/history/mappings/${id}`, { method, headers, ...sent });
    };
    const unknown = '/hissrv/data/telemetry?channel_id=1002&point_id=1';
    assert.equal((await fetch(bed.site.url + unknown)).status, 404);
    await bed.reader.hset('comsrv:1002:T', { 1: '5.25' });
    const made = await send('PUT', 'outside', { points: '1002:T:*', source: 'redis', collectMs: 200, store: 'change' });
    assert.equal(made.status, 200);
    const rows = () => bed.site.get<Row[]>(unknown);
    await bed.untilTrue('stored', async () => (await rows()).length > 0, 2_000);
    await bed.reader.hset('comsrv:1002:T', { 1: '5.5' });
    await bed.untilTrue('the change', async () => (await rows()).at(-1)?.value === 5.5, 2_000);
    assert.deepEqual(
      (await rows()).map(({ value }) => value),
      [5.25, 5.5],
    );
    assert.equal((await send('PUT', 'odd', { points: '9:X:1' })).status, 400);
    // No channel of the site has such points.
    const configure = (...given: string[]) => bed.reader.call('FCALL', 'hissrv_configure_mapping', '1', ...given);
    await configure('nothing', '{"points":["1001:T:*","1002:T:*"],"store":"never"}', 'ours-1');
    const result = async (id: string) =>
      JSON.parse((await bed.reader.call('FCALL', 'statewatt_result', '1', id)) as string) as Record<string, unknown>;
    await bed.untilTrue('refused', async () => (await result('ours-1')).status === 'refused', 1_000);
    await configure('outside', '{"points":"1002:T:*","source":"redis","store":"all","collect_ms":500}', 'ours-2');
    await bed.untilTrue('done', async () => (await result('ours-2')).status === 'done', 1_000);
    const listed = await bed.site.get<{ mappings: Record<string, unknown>[] }>('/api/v1/history/mappings');
    assert.deepEqual(
      listed.mappings.map(({ id, definedBy, store, collectMs, problem }) => [id, definedBy, store, collectMs, problem]),
      [
        [null, 'site', undefined, 1_000, null],
        ['outside', 'caller', 'all', 500, null],
      ],
    );
    await configure('outside', 'null', 'ours-3');
    await bed.untilTrue('removed', async () => (await result('ours-3')).status === 'done', 1_000);
    assert.equal((await fetch(bed.site.url + unknown)).status, 404);
    assert.equal((await send('DELETE', 'outside')).status, 404);
    await assert.rejects(
      configure('outside', '{"mode":"never"}'),
      /INVALID found the member "mode", allowed collect_ms/,
    );
  });
});
