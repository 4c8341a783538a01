import { ClickHouseError } from '@clickhouse/client';
import { errorMessage, StatewattError } from '../../errors/error.js';

/** Exception codes (ClickHouse's ErrorCodes) after which the same request may succeed later. */
const TRANSIENT = new Set([
  '159', // TIMEOUT_EXCEEDED
  '202', // TOO_MANY_SIMULTANEOUS_QUERIES
  '209', // SOCKET_TIMEOUT
  '210', // NETWORK_ERROR
  '216', // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
  '236', // ABORTED
  '241', // MEMORY_LIMIT_EXCEEDED
  '242', // TABLE_IS_READ_ONLY
  '243', // NOT_ENOUGH_SPACE
  '252', // TOO_MANY_PARTS
  '319', // UNKNOWN_STATUS_OF_INSERT
  '394', // QUERY_WAS_CANCELLED
]);

/** Another statement with the same id is still running. */
export function isSameIdRunning(thrown: unknown): boolean {
  return thrown instanceof ClickHouseError && thrown.code === '216';
}

/** Whether the same request may succeed later: the server says so, or did not answer at all. */
export function isTransient(thrown: unknown): boolean {
  return !(thrown instanceof ClickHouseError) || TRANSIENT.has(thrown.code);
}

/** `history.unavailable` for what passes by itself, `history.failed` for an answer that will not change. */
export function historyError(thrown: unknown): StatewattError {
  if (thrown instanceof StatewattError) return thrown;
  if (thrown instanceof ClickHouseError && !isTransient(thrown)) {
    return new StatewattError('history.failed', 'internal', `the history database refused: ${thrown.message}`, {
      cause: thrown,
      details: { clickhouseCode: thrown.code },
    });
  }
  return new StatewattError('history.unavailable', 'unavailable', `no history database: ${errorMessage(thrown)}`, {
    cause: thrown,
    retryAfterMs: 1_000,
  });
}
