import type { AlarmRecord } from '../../site/alarms.js';
import type { AlarmStatistics } from '../client/alarms.js';
import type { AlarmIndex } from './alarm-index.js';
import { isChattering, type Raises } from './raises.js';

/** ISA-18.2, 16.7: an alarm that stands longer than a day is stale. */
const STALE_MS = 24 * 3_600_000;
const LISTED = 10;

/** The figures by which an alarm system is judged; see AlarmStatisticsSchema. */
export function alarmStatistics(index: AlarmIndex, raises: Raises, operators: number, now: number): AlarmStatistics {
  const byLevel: Record<string, number> = {};
  const byState: Record<string, number> = {};
  const groups = new Map<string, { first: AlarmRecord; standing: number }>();
  let standing = 0;
  let stale = 0;
  for (const alarm of index.open()) {
    const raisedAt = alarm.raisedAt ?? alarm.since;
    standing += 1;
    if (now - raisedAt > STALE_MS) stale += 1;
    byLevel[alarm.level] = (byLevel[alarm.level] ?? 0) + 1;
    byState[alarm.state] = (byState[alarm.state] ?? 0) + 1;
    const group = groups.get(alarm.group);
    if (group === undefined) groups.set(alarm.group, { first: alarm, standing: 1 });
    else {
      group.standing += 1;
      if (raisedAt < (group.first.raisedAt ?? group.first.since)) group.first = alarm;
    }
  }
  const often = [...raises.byAlarm(now)].flatMap(([id, times]) => {
    const alarm = index.get(id);
    return alarm === undefined ? [] : [{ ...named(alarm), raised: times.length, chatters: isChattering(times) }];
  });
  often.sort((a, b) => b.raised - a.raised || (a.id < b.id ? -1 : 1));
  const withoutMark = ({ chatters: _, ...rest }: (typeof often)[number]) => rest;
  return {
    standing,
    byLevel,
    byState,
    stale,
    raisedPer10Minutes: raises.rates(now, operators),
    topTen: often.slice(0, LISTED).map(withoutMark),
    chattering: often
      .filter(({ chatters }) => chatters)
      .slice(0, LISTED)
      .map(withoutMark),
    firstOut: [...groups]
      .filter(([, group]) => group.standing > 1)
      .sort(([, a], [, b]) => b.standing - a.standing)
      .slice(0, LISTED)
      .map(([group, { first, standing }]) => ({
        ...named(first),
        group,
        raisedAt: first.raisedAt ?? first.since,
        standing,
      })),
  };
}

function named({ id, title, source, level }: AlarmRecord) {
  return { id, title, source, level };
}
