import { historyClient } from '../history-client.js';
import { verdict, type Verdict } from './finding.js';

/** A rollup, and the function that gives the interval of a time. */
const ROLLUPS = [
  ['rollup_1m', 'toStartOfMinute'],
  ['rollup_1h', 'toStartOfHour'],
  ['rollup_1d', 'toStartOfDay'],
] as const;

type Wrong = readonly [
  channel: number,
  kind: string,
  point: number,
  at: string,
  rolled: string | number,
  recounted: string | number,
];

/** Every interval of every rollup counts as many values as raw history holds for it. */
export async function checkRollups(historyUrl: string): Promise<Verdict> {
  const client = historyClient(historyUrl);
  const ask = async <T>(query: string): Promise<T[]> =>
    (await client.query({ query, format: 'JSONCompactEachRow' })).json<T>();
  try {
    const wrong: string[] = [];
    for (const [table, interval] of ROLLUPS) {
      const rows = await ask<Wrong>(
        `SELECT channel, kind, point, at, sum(rolled) AS rolled, sum(recounted) AS recounted FROM (
           SELECT channel, kind, point, time AS at, count AS rolled, 0 AS recounted FROM ${table}
           UNION ALL
           SELECT channel, kind, point, toDateTime(${interval}(time), 'UTC') AS at, 0 AS rolled, 1 AS recounted FROM raw
           WHERE quality = 'good' AND text IS NULL AND isFinite(value)
         ) GROUP BY channel, kind, point, at HAVING rolled != recounted`,
      );
      for (const [channel, kind, point, at, rolled, recounted] of rows)
        wrong.push(`${table} of ${channel}:${kind}:${point} at ${at}: counts ${rolled}, raw has ${recounted}`);
    }
    const [[total] = ['0']] = await ask<[string]>('SELECT sum(count) FROM rollup_1m');
    return verdict('rollups-count', 'every mean over time counts what raw history holds', `${total} values`, wrong);
  } finally {
    await client.close();
  }
}
