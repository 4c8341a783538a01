import { ClickHouseLogLevel, createClient, type ClickHouseClient } from '@clickhouse/client';

/** Asks the history of the site of a run. It goes away on purpose: who asks says what comes of it, not the client's log. */
export function historyClient(url: string, timeoutMs?: number): ClickHouseClient {
  return createClient({
    ...{ url, database: 'statewatt', log: { level: ClickHouseLogLevel.OFF } },
    ...(timeoutMs === undefined ? {} : { request_timeout: timeoutMs }),
  });
}
