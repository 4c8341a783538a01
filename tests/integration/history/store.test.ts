import assert from 'node:assert/strict';
import { createHistoryStore } from '../../../protocols/clickhouse/history-store.js';
import type { HistoryRow, SequencedFrame } from '../../../protocols/clickhouse/types.js';
import { BAD, GOOD, OUT_OF_RANGE, STALE } from '../../../site/points.js';
import { StatewattError } from '../../../errors/error.js';
import { freePort } from '../../support/temp.js';
import { all, KEEP, startTestEngine, totals, type TestEngine } from './engine.js';
import { frame, frames, TODAY } from './frames.js';

const DAY = 86_400_000;
const hasCode = (code: string) => (error: unknown) => error instanceof StatewattError && error.code === code;

describe('history store on the embedded engine', function () {
  this.timeout(60_000);
  let test: TestEngine;
  before(async () => {
    test = await startTestEngine();
  });
  after(() => test.stop());

  it('prepares twice without change and sets each tier’s time to live', async () => {
    const store = await test.store('ddl');
    await store.insert({ token: 'a', frames: frames({ channels: 1, points: 2, cycles: 3, from: TODAY }) });
    await store.prepare({ ...KEEP, minuteDays: 91 });
    const client = test.client('ddl');
    assert.deepEqual(await totals(client), all(6));
    const result = await client.query({
      query: `SELECT name, extract(create_table_query, 'TTL .*? SETTINGS') AS ttl FROM system.tables
        WHERE database = 'ddl' AND name IN ('raw', 'rollup_1m', 'rollup_1h', 'rollup_1d') ORDER BY name`,
      format: 'JSONEachRow',
    });
    const ttl = (days: number) => `TTL toDateTime(time) + toIntervalDay(${days}) SETTINGS`;
    assert.deepEqual(await result.json(), [
      { name: 'raw', ttl: ttl(30) },
      { name: 'rollup_1d', ttl: ttl(3650) },
      { name: 'rollup_1h', ttl: ttl(730) },
      { name: 'rollup_1m', ttl: ttl(91) },
    ]);
  });

  it('refuses a database of a newer version', async () => {
    const store = await test.store('newer');
    await test.client('newer').command({ query: 'INSERT INTO schema_version VALUES (99)' });
    await assert.rejects(store.prepare(KEEP), hasCode('history.schema_newer'));
  });

  it('gives back what was inserted: values, qualities, texts, ages, never-read points', async () => {
    const store = await test.store('round');
    const at = TODAY + 5_000;
    await store.insert({
      token: 'a',
      frames: [
        {
          streamSequence: 2 ** 33 + 7,
          frame: frame(4_294_967_295, at, [
            { id: 1, value: 12.345678901234567 },
            { id: 2, value: NaN, quality: BAD },
            { id: 3, value: 'läuft "5"\t\\n' },
            { id: 4, value: -1e300, quality: OUT_OF_RANGE },
            { id: 5, value: 3, quality: STALE, age: 4_321 },
            { kind: 'S', id: 0x3fff_ffff, value: 1 },
            { id: 6, value: '', quality: GOOD },
          ]),
        },
      ],
    });
    const read = async (kind: 'T' | 'S', id: number) =>
      (await store.query({ channel: 4_294_967_295, kind, id, from: TODAY, to: TODAY + DAY, resolution: 'raw' })).rows;
    assert.deepEqual(await read('T', 1), [{ time: at, value: 12.345678901234567, quality: 'good' }]);
    assert.deepEqual(await read('T', 2), [{ time: at, value: null, quality: 'bad' }]);
    assert.deepEqual(await read('T', 3), [{ time: at, value: 'läuft "5"\t\\n', quality: 'good' }]);
    assert.deepEqual(await read('T', 4), [{ time: at, value: -1e300, quality: 'out-of-range' }]);
    assert.deepEqual(await read('T', 5), [{ time: at - 4_321, value: 3, quality: 'stale' }]);
    assert.deepEqual(await read('S', 0x3fff_ffff), [{ time: at, value: 1, quality: 'good' }]);
    assert.deepEqual(await read('T', 6), [{ time: at, value: '', quality: 'good' }]);
    assert.deepEqual(await read('S', 1), []);
    const page = await store.query({
      channel: 4_294_967_295,
      kind: 'T',
      id: 3,
      from: TODAY,
      to: TODAY + DAY,
      limit: 1,
    });
    assert.equal(page.resolution, 'raw');
    // Only the good numbers are in the rollups.
    assert.deepEqual(await totals(test.client('round')), { raw: 7, minutes: 2, hours: 2, days: 2 });
  });

  it('rolls up to what a plain computation gives, over several batches, days and merges', async () => {
    const store = await test.store('rollups');
    let seed = 7;
    const random = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return seed / 2 ** 31;
    };
    const from = TODAY - 2 * DAY;
    const rows: { point: number; time: number; value: number; good: boolean }[] = [];
    for (let batch = 0; batch < 12; batch++) {
      const batchFrames: SequencedFrame[] = [];
      for (let index = 0; index < 40; index++) {
        // Times go up and down, so that first and last are not those of the insertion's order.
        const time = from + Math.floor(random() * 2 * DAY);
        const points = [1, 2].map((id) => {
          const value = Math.round(random() * 2_000_000 - 1_000_000) / 1_000;
          const good = random() > 0.2;
          rows.push({ point: id, time, value, good });
          return { id, value, quality: good ? GOOD : STALE };
        });
        batchFrames.push({ streamSequence: batch * 40 + index + 1, frame: frame(9, time, points) });
      }
      await store.insert({ token: `b${batch}`, frames: batchFrames });
    }
    const intervals = { '1m': 60_000, '1h': 3_600_000, '1d': DAY } as const;
    const check = async () => {
      for (const [resolution, interval] of Object.entries(intervals)) {
        for (const id of [1, 2]) {
          const page = await store.query({
            channel: 9,
            kind: 'T',
            id,
            from,
            to: TODAY,
            limit: 10_000,
            resolution: resolution as '1m',
          });
          const good = rows.filter((row) => row.point === id && row.good);
          assert.deepEqual(page.rows.map(rounded), model(good, interval).map(rounded), `${resolution} of ${id}`);
        }
      }
    };
    await check();
    for (const table of ['rollup_1m', 'rollup_1h', 'rollup_1d']) {
      await test.client('rollups').command({ query: `OPTIMIZE TABLE ${table} FINAL` });
    }
    await check();
  });

  it('pages through without gap or repeat while new data arrives', async () => {
    const store = await test.store('paging');
    await store.insert({
      token: 'a',
      frames: frames({ channels: 1, points: 1, cycles: 500, from: TODAY, stepMs: 500 }),
    });
    for (const [resolution, limit, wanted] of [
      ['raw', 7, 500],
      ['1m', 2, 5],
    ] as const) {
      const times: number[] = [];
      let cursor: string | null = null;
      let round = 0;
      do {
        const page = await store.query({
          channel: 1,
          kind: 'T',
          id: 1,
          from: TODAY,
          to: TODAY + 250_000,
          resolution,
          limit,
          ...(cursor === null ? {} : { cursor }),
        });
        assert.ok(page.rows.length <= limit);
        times.push(...page.rows.map(({ time }) => time));
        cursor = page.nextCursor;
        // Behind the reader, and behind the range's end.
        const late = [TODAY - 1_000 - round, TODAY + 300_000 + round];
        if (round < 3) {
          await store.insert({
            token: `${resolution}${round}`,
            frames: late.map((time, index) => ({
              streamSequence: 1_000 + round * 2 + index,
              frame: frame(1, time, [{ id: 1, value: 1 }]),
            })),
          });
        }
        round += 1;
      } while (cursor !== null);
      assert.equal(times.length, wanted);
      assert.deepEqual(
        times,
        [...new Set(times)].sort((a, b) => a - b),
      );
    }
  });

  it('refuses wrong queries, saying what is allowed', async () => {
    const store = await test.store('wrong');
    const of = { channel: 1, kind: 'T', id: 1 } as const;
    for (const query of [
      { ...of, from: 5, to: 5 },
      { ...of, limit: 0 },
      { ...of, limit: 10_001 },
      { ...of, from: -1, to: 5 },
      { ...of, to: 1e20 },
      { ...of, cursor: 'nonsense' },
    ]) {
      await assert.rejects(store.query(query), hasCode('history.invalid_query'), JSON.stringify(query));
    }
  });

  it('says that it is away, and says so in its health', async () => {
    const store = createHistoryStore({ url: `http://127.0.0.1:${await freePort()}` });
    await assert.rejects(store.prepare(KEEP), hasCode('history.unavailable'));
    await assert.rejects(store.query({ channel: 1, kind: 'T', id: 1 }), hasCode('history.unavailable'));
    await assert.rejects(
      store.insert({ token: 'a', frames: frames({ channels: 1, points: 1, cycles: 1, from: TODAY }) }),
      hasCode('history.unavailable'),
    );
    assert.equal((await store.health()).status, 'down');
    await store.close();
    const up = await test.store('up');
    assert.equal((await up.health()).status, 'up');
  });
});

function model(rows: readonly { time: number; value: number }[], interval: number): HistoryRow[] {
  const buckets = new Map<number, { time: number; value: number }[]>();
  for (const row of rows) {
    const start = Math.floor(row.time / interval) * interval;
    buckets.set(start, [...(buckets.get(start) ?? []), row]);
  }
  return [...buckets]
    .sort(([a], [b]) => a - b)
    .map(([time, held]) => {
      const values = held.map(({ value }) => value);
      const byTime = [...held].sort((a, b) => a.time - b.time);
      return {
        time,
        value: values.reduce((sum, value) => sum + value, 0) / values.length,
        min: Math.min(...values),
        max: Math.max(...values),
        first: byTime[0]?.value ?? NaN,
        last: byTime.at(-1)?.value ?? NaN,
        count: values.length,
      };
    });
}

/** Sums are added in another order by the engine. */
function rounded(row: HistoryRow): HistoryRow {
  return { ...row, value: Math.round((row.value as number) * 1e6) / 1e6 };
}
