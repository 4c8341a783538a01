import assert from 'node:assert/strict';
import { createClient, type ClickHouseClient } from '@clickhouse/client';
import { startEmbeddedEngine } from '../../../protocols/clickhouse/engine/start.js';
import { createHistoryStore } from '../../../protocols/clickhouse/history-store.js';
import type { HistoryStore, ImportedRow } from '../../../protocols/clickhouse/types.js';
import { tempFolder } from '../../support/temp.js';
import { KEEP, startTestEngine, type TestEngine } from './engine.js';
import { frame, TODAY } from './frames.js';

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** A row a second of a point, values 0 to 99 again and again. */
function rows(id: number, from: number, count: number, change: Partial<ImportedRow> = {}): ImportedRow[] {
  return Array.from({ length: count }, (_, index) => ({
    channel: 7,
    kind: 'T' as const,
    id,
    time: from + index * 1_000,
    value: index % 100,
    quality: 'good' as const,
    ...change,
  }));
}

/** Intervals of imported rows that differ from those computed of all that is there. */
async function wrongIntervals(client: ClickHouseClient): Promise<unknown[]> {
  const wrong: unknown[] = [];
  for (const [table, start] of [
    ['imported_1m', 'toStartOfMinute'],
    ['imported_1h', 'toStartOfHour'],
    ['imported_1d', 'toStartOfDay'],
  ] as const) {
    const result = await client.query({
      query: `SELECT '${table}', id, at, groupArray((who, total, points, low, high)) AS found FROM (
          SELECT 'kept' AS who, point AS id, time AS at, sum AS total, count AS points, min AS low, max AS high
          FROM ${table} FINAL
          UNION ALL
          SELECT 'computed', point, toDateTime(${start}(time), 'UTC') AS at, sum(value), count(), min(value), max(value)
          FROM imported FINAL WHERE quality = 'good' AND isFinite(value) GROUP BY point, at
        ) GROUP BY id, at HAVING length(found) != 2
          OR found[1].2 != found[2].2 OR found[1].3 != found[2].3 OR found[1].4 != found[2].4 OR found[1].5 != found[2].5`,
      format: 'JSONCompactEachRow',
    });
    wrong.push(...(await result.json<unknown>()));
  }
  return wrong;
}

describe('history import', function () {
  this.timeout(120_000);
  let test: TestEngine;
  before(async () => {
    test = await startTestEngine();
  });
  after(() => test.stop());

  const values = async (
    store: HistoryStore,
    id: number,
    from: number,
    to: number,
    resolution: 'raw' | '1m' | '1h' | '1d',
  ) => (await store.query({ channel: 7, kind: 'T', id, from, to, resolution, limit: 10_000 })).rows;
  const count = async (store: HistoryStore, id: number, from: number, to: number) => {
    const sums: number[] = [(await values(store, id, from, to, 'raw')).length];
    for (const resolution of ['1m', '1h', '1d'] as const) {
      sums.push((await values(store, id, from, to, resolution)).reduce((sum, row) => sum + (row.count ?? 0), 0));
    }
    return sums;
  };

  it('adds each row once to every tier, whatever is brought again', async () => {
    const store = await test.store('import_twice');
    const from = TODAY - DAY;
    assert.deepEqual(await store.import(rows(1, from, 5_000)), {
      rows: 5_000,
      stored: 5_000,
      replaced: 0,
      measured: 0,
    });
    assert.deepEqual(await count(store, 1, from, TODAY), [5_000, 5_000, 5_000, 5_000]);
    assert.deepEqual(await store.import(rows(1, from, 5_000)), {
      rows: 5_000,
      stored: 5_000,
      replaced: 5_000,
      measured: 0,
    });
    await store.import(rows(1, from + 4_000_000, 2_000));
    assert.deepEqual(await count(store, 1, from, TODAY), [6_000, 6_000, 6_000, 6_000]);
    assert.deepEqual(await wrongIntervals(test.client('import_twice')), []);
    const [hour] = await values(store, 1, from, from + HOUR, '1h');
    assert.deepEqual(hour, { time: from, value: 49.5, min: 0, max: 99, first: 0, last: 99, count: 3_600 });
  });

  it('corrects what was imported before, and of one batch takes the last', async () => {
    const store = await test.store('import_correct');
    const from = TODAY - DAY;
    await store.import(rows(1, from, 120));
    const twice = [...rows(1, from, 60, { value: 7 }), ...rows(1, from, 60, { value: 8 })];
    assert.deepEqual(await store.import(twice), { rows: 120, stored: 60, replaced: 120, measured: 0 });
    const minutes = await values(store, 1, from, from + HOUR, '1m');
    assert.deepEqual(
      minutes.map(({ value, count }) => [value, count]),
      [
        [8, 60],
        [
          rows(1, from, 120)
            .slice(60)
            .reduce((sum, { value }) => sum + (value as number), 0) / 60,
          60,
        ],
      ],
    );
    assert.deepEqual(await wrongIntervals(test.client('import_correct')), []);
  });

  it('leaves alone what history has measured, and fills what is between', async () => {
    const store = await test.store('import_measured');
    const from = TODAY - DAY;
    const live = Array.from({ length: 60 }, (_, second) => ({
      streamSequence: second + 1,
      frame: frame(7, from + second * 2_000, [{ id: 1, value: 1_000 }]),
    }));
    await store.insert({ token: 'live', frames: live });
    assert.deepEqual(await store.import(rows(1, from, 120)), { rows: 120, stored: 60, replaced: 0, measured: 60 });
    const raw = await values(store, 1, from, TODAY, 'raw');
    assert.equal(raw.length, 120);
    assert.ok(
      raw.every(({ time, value }) => value === ((time - from) % 2_000 === 0 ? 1_000 : ((time - from) / 1_000) % 100)),
    );
    assert.deepEqual(await count(store, 1, from, TODAY), [120, 120, 120, 120]);
  });

  it('counts no value twice where the rows of that time are no longer kept', async () => {
    const store = await test.store('import_old');
    const from = TODAY - 40 * DAY;
    const live = Array.from({ length: 60 }, (_, second) => ({
      streamSequence: second + 1,
      frame: frame(7, from + second * 1_000, [{ id: 1, value: 5 }]),
    }));
    await store.insert({ token: 'live', frames: live });
    await test.client('import_old').command({ query: 'TRUNCATE TABLE raw' });
    const answer = await store.import(rows(1, from, 180));
    assert.deepEqual(answer, { rows: 180, stored: 120, replaced: 0, measured: 60 });
    const minutes = await values(store, 1, from, from + HOUR, '1m');
    assert.deepEqual(
      minutes.map(({ count }) => count),
      [60, 60, 60],
    );
    const ancient = TODAY - 1_000 * DAY;
    assert.equal((await store.import(rows(2, ancient, 100))).stored, 100);
    assert.deepEqual(await count(store, 2, ancient, ancient + DAY), [100, 100, 100, 100]);
  });

  it('pages through measured and imported values in the order of time', async () => {
    const store = await test.store('import_pages');
    const from = TODAY - DAY;
    await store.insert({
      token: 'live',
      frames: Array.from({ length: 50 }, (_, index) => ({
        streamSequence: index + 1,
        frame: frame(7, from + index * 2_000 + 500, [{ id: 1, value: index }]),
      })),
    });
    await store.import(rows(1, from, 100));
    const times: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.query({
        channel: 7,
        kind: 'T',
        id: 1,
        from,
        to: TODAY,
        resolution: 'raw',
        limit: 7,
        ...(cursor === undefined ? {} : { cursor }),
      });
      times.push(...page.rows.map(({ time }) => time));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    assert.equal(times.length, 150);
    assert.deepEqual(
      times,
      [...times].sort((a, b) => a - b),
    );
  });

  it('keeps texts and qualities; what is not good counts in no interval', async () => {
    const store = await test.store('import_qualities');
    const from = TODAY - DAY;
    await store.import([
      ...rows(1, from, 1, { value: 'open, "half"' }),
      ...rows(1, from + 1_000, 1, { value: 3, quality: 'stale' }),
      ...rows(1, from + 2_000, 1, { value: null, quality: 'bad' }),
      ...rows(1, from + 3_000, 1, { value: 4 }),
    ]);
    assert.deepEqual(await values(store, 1, from, TODAY, 'raw'), [
      { time: from, value: 'open, "half"', quality: 'good' },
      { time: from + 1_000, value: 3, quality: 'stale' },
      { time: from + 2_000, value: null, quality: 'bad' },
      { time: from + 3_000, value: 4, quality: 'good' },
    ]);
    assert.deepEqual(
      (await values(store, 1, from, TODAY, '1h')).map(({ count, value }) => [count, value]),
      [[1, 4]],
    );
  });

  it('has each row once after kills at any moment, completed by the next start or by the repeat', async () => {
    const folder = await tempFolder();
    const from = TODAY - DAY;
    const all = [1, 2].flatMap((id) => rows(id, from, 2_000));
    const [usualMs, trials] = [await usual(all), 5];
    let cut = 0;
    try {
      for (let trial = 0; trial < trials; trial++) {
        const engine = await startEmbeddedEngine({ dataFolder: folder.path });
        const store = createHistoryStore({ url: engine.url });
        const client = createClient({ url: engine.url, database: 'statewatt' });
        try {
          await store.prepare(KEEP);
          // Whoever has not repeated it yet has intervals that say what their rows say.
          assert.deepEqual(await wrongIntervals(client), []);
          const done = store.import(all).then(
            () => true,
            () => false,
          );
          await new Promise((resolve) => setTimeout(resolve, (usualMs * (trial + 0.5)) / trials));
          engine.child.kill();
          if (!(await done)) cut += 1;
        } finally {
          await engine.stop();
          await client.close();
          await store.close();
        }
      }
      const engine = await startEmbeddedEngine({ dataFolder: folder.path });
      const store = createHistoryStore({ url: engine.url });
      const client = createClient({ url: engine.url, database: 'statewatt' });
      await store.prepare(KEEP);
      await store.import(all);
      assert.deepEqual(await wrongIntervals(client), []);
      for (const id of [1, 2]) assert.deepEqual(await count(store, id, from, TODAY), [2_000, 2_000, 2_000, 2_000]);
      await client.close();
      await store.close();
      await engine.stop();
    } finally {
      await folder.remove();
    }
    assert.ok(cut >= 1, 'no kill came in the midst of an import');
  });

  /** Ms that an import of the rows takes here. */
  async function usual(all: readonly ImportedRow[]): Promise<number> {
    const store = await test.store('import_usual');
    await store.import(all.slice(0, 1));
    const begun = performance.now();
    await store.import(all);
    return performance.now() - begun;
  }
});
