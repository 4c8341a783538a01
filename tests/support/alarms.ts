import { statusOf, type AlarmRecord } from '../../site/alarms.js';
import { unheardOf } from '../../machines/alarm/record.js';

/** An alarm that was raised once, unless told otherwise. */
export function alarmRecord(id: string, rest: Partial<AlarmRecord> = {}): AlarmRecord {
  const { state = 'unacknowledged', condition = true } = rest;
  return {
    ...unheardOf(id).alarm,
    source: 'meter',
    group: rest.source ?? 'meter',
    title: `Alarm ${id}`,
    level: 'Warning',
    raisedAt: 1_000,
    since: 1_000,
    occurrences: 1,
    revision: 1,
    ...rest,
    state,
    condition,
    status: statusOf(state, condition),
  };
}
