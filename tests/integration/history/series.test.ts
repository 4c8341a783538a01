import assert from 'node:assert/strict';
import type { HistoryStore, ImportedRow, SeriesQuery } from '../../../protocols/clickhouse/types.js';
import { startTestEngine, type TestEngine } from './engine.js';
import { frame, TODAY } from './frames.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FROM = TODAY - 3 * DAY;
const T1 = { channel: 7, kind: 'T', id: 1 } as const;
const T2 = { channel: 7, kind: 'T', id: 2 } as const;

describe('history series', function () {
  this.timeout(60_000);
  let test: TestEngine;
  let store: HistoryStore;
  before(async () => {
    test = await startTestEngine();
    store = await test.store('series');
    // Point 1: measured, every 10 s for two hours, 0 1 2 …; point 2: imported, every minute, and a gap from 01:00 to 01:20.
    await store.insert({
      token: 'live',
      frames: Array.from({ length: 720 }, (_, index) => ({
        streamSequence: index + 1,
        frame: frame(7, FROM + index * 10_000, [{ id: 1, value: index }]),
      })),
    });
    const rows: ImportedRow[] = [];
    for (let minute = 0; minute < 120; minute++) {
      if (minute >= 60 && minute < 80) continue;
      rows.push({ ...T2, time: FROM + minute * 60_000, value: minute, quality: 'good' });
    }
    await store.import(rows);
  });
  after(() => test.stop());

  const ask = (query: Partial<SeriesQuery>) =>
    store.series({ points: [T1], from: FROM, to: FROM + 2 * HOUR, every: '1h', ...query });

  it('gives every aggregate, the same of raw rows and of rollups', async () => {
    const aggregates = ['avg', 'min', 'max', 'first', 'last', 'count', 'sum', 'twa'] as const;
    const hours = await ask({ aggregates });
    assert.equal(hours.resolution, '1h');
    assert.deepEqual(hours.series[0]?.rows, [
      { time: FROM, avg: 179.5, min: 0, max: 359, first: 0, last: 359, count: 360, sum: 64_620, twa: 179.5 },
      {
        time: FROM + HOUR,
        avg: 539.5,
        min: 360,
        max: 719,
        first: 360,
        last: 719,
        count: 360,
        sum: 194_220,
        twa: 539.5,
      },
    ]);
    const raw = await ask({ aggregates, every: '30s' });
    assert.equal(raw.resolution, 'raw');
    const [first] = raw.series[0]?.rows ?? [];
    assert.deepEqual(first, { time: FROM, avg: 1, min: 0, max: 2, first: 0, last: 2, count: 3, sum: 3, twa: 1 });
    assert.equal(raw.series[0]?.rows.length, 240);
  });

  it('weighs by time: a value holds until the next, but not over an outage nor beyond the longest gap', async () => {
    const own = await test.store('series_twa');
    const at = (second: number, value: number, quality: ImportedRow['quality'] = 'good') => ({
      ...T1,
      time: FROM + second * 1_000,
      value,
      quality,
    });
    await own.import([at(0, 10), at(45, 50), at(60, 0), at(90, 30), at(100, 30, 'stale'), at(300, 7)]);
    const { series } = await own.series({
      points: [T1],
      from: FROM,
      to: FROM + 600_000,
      every: '1m',
      aggregates: ['twa', 'count'],
      maxGap: '2m',
    });
    assert.deepEqual(series[0]?.rows, [
      { time: FROM, twa: (10 * 45 + 50 * 15) / 60, count: 2 },
      { time: FROM + 60_000, twa: (0 * 30 + 30 * 10) / 40, count: 2 },
      { time: FROM + 300_000, twa: 7, count: 1 },
      { time: FROM + 360_000, twa: 7, count: null },
    ]);
  });

  it('fills the gap as asked, and takes several points at once', async () => {
    const of = async (fill: SeriesQuery['fill']) => {
      const { series } = await ask({ points: [T2, T1], every: '10m', aggregates: ['last'], ...(fill ? { fill } : {}) });
      assert.equal(series[1]?.rows.length, 12);
      return series[0]?.rows.map(({ last }) => last);
    };
    assert.deepEqual(await of(undefined), [9, 19, 29, 39, 49, 59, 89, 99, 109, 119]);
    assert.deepEqual(await of('null'), [9, 19, 29, 39, 49, 59, null, null, 89, 99, 109, 119]);
    assert.deepEqual(await of('previous'), [9, 19, 29, 39, 49, 59, 59, 59, 89, 99, 109, 119]);
    assert.deepEqual(await of('linear'), [9, 19, 29, 39, 49, 59, 69, 79, 89, 99, 109, 119]);
  });

  it('carries nothing over what the source has called stale or bad', async () => {
    const own = await test.store('series_outage');
    await own.import([
      { ...T1, time: FROM, value: 1, quality: 'good' },
      { ...T1, time: FROM + 60_000, value: 1, quality: 'stale' },
      { ...T1, time: FROM + 240_000, value: 2, quality: 'good' },
    ]);
    const { series } = await own.series({
      points: [T1],
      from: FROM,
      to: FROM + 360_000,
      every: '1m',
      aggregates: ['last'],
      fill: 'previous',
    });
    assert.deepEqual(
      series[0]?.rows.map(({ last }) => last),
      [1, null, null, null, 2, 2],
    );
  });

  it('fills at the edges of a page from what lies beyond them', async () => {
    const { series } = await ask({
      points: [T2],
      from: FROM + 65 * 60_000,
      to: FROM + 70 * 60_000,
      every: '1m',
      aggregates: ['last'],
      fill: 'linear',
      maxGap: '1h',
    });
    assert.deepEqual(
      series[0]?.rows.map(({ last }) => Math.round((last ?? 0) * 1_000) / 1_000),
      [65, 66, 67, 68, 69],
    );
  });

  it('has days of a time zone', async () => {
    const own = await test.store('series_days');
    const from = Date.parse('2026-03-27T00:00Z');
    // A value an hour over the beginning of summer time in Berlin, on 29 March 2026.
    await own.import(
      Array.from({ length: 96 }, (_, hour) => ({
        ...T1,
        time: from + hour * HOUR,
        value: 1,
        quality: 'good' as const,
      })),
    );
    const days = async (timeZone: string) => {
      const page = await own.series({
        points: [T1],
        from,
        to: from + 96 * HOUR,
        every: '1d',
        timeZone,
        aggregates: ['count', 'twa'],
        maxGap: '1h',
      });
      return [
        page.resolution,
        ...(page.series[0]?.rows.map(({ time, count, twa }) => [new Date(time).toISOString(), count, twa]) ?? []),
      ];
    };
    assert.deepEqual(await days('Europe/Berlin'), [
      '1h',
      ['2026-03-26T23:00:00.000Z', 23, 1],
      ['2026-03-27T23:00:00.000Z', 24, 1],
      ['2026-03-28T23:00:00.000Z', 23, 1],
      ['2026-03-29T22:00:00.000Z', 24, 1],
      ['2026-03-30T22:00:00.000Z', 2, 1],
    ]);
    assert.deepEqual((await days('UTC'))[0], '1d');
    const india = await days('Asia/Kolkata');
    assert.deepEqual([india[0], india[1]], ['1m', ['2026-03-26T18:30:00.000Z', 19, 1]]);
    const months = await own.series({
      points: [T1],
      from,
      to: from + 96 * HOUR,
      every: '1mo',
      timeZone: 'Europe/Berlin',
      aggregates: ['count'],
    });
    assert.deepEqual(months.series[0]?.rows, [{ time: Date.parse('2026-02-28T23:00Z'), count: 96 }]);
  });

  it('comes in pages', async () => {
    const rows: unknown[] = [];
    let cursor: string | undefined;
    let pages = 0;
    do {
      const page = await ask({
        points: [T1, T2],
        every: '10m',
        limit: 10,
        ...(cursor === undefined ? {} : { cursor }),
      });
      rows.push(...(page.series[0]?.rows ?? []));
      cursor = page.nextCursor ?? undefined;
      pages += 1;
    } while (cursor !== undefined);
    assert.equal(pages, 3);
    assert.deepEqual(rows, (await ask({ every: '10m' })).series[0]?.rows);
  });

  it('says what is wrong with a query', async () => {
    for (const wrong of [
      { points: [] },
      { every: '1y' },
      { limit: 0 },
      { from: 5, to: 5 },
      { cursor: 'x' },
      { maxGap: 'long' },
      { every: '1d', timeZone: 'Nowhere' },
    ]) {
      await assert.rejects(ask(wrong), { code: 'history.invalid_query' }, JSON.stringify(wrong));
    }
  });
});
