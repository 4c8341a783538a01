import type { AlarmChange, AlarmRecord } from '../alarms.js';
import { DAY_MINUTES, WallClock } from '../expressions/time-of-day.js';
import { wildcard } from '../wildcard.js';
import { noticeKey, type Notice } from './message.js';
import { NOTIFIED_CHANGES, type NotificationTarget, type NotifiedChange, type QuietHours } from './target.js';

const MINUTE_MS = 60_000;
/** What ends the hiding of an alarm. */
const SHOWN_AGAIN: readonly AlarmChange[] = ['unshelved', 'unsuppressed', 'returnedToService'];

/** What of a target's alarms it is told, and when it wants its quiet. */
export interface Route {
  /** What the target is to be told of an alarm that has just changed; undefined: nothing. */
  notice(alarm: AlarmRecord): Notice | undefined;
  /** Until when a notice waits, ms since the Unix epoch; undefined: it is told now. */
  quietUntil(notice: Notice, now: number): number | undefined;
}

export function routeOf(target: NotificationTarget): Route {
  const { levels, changes, quietHours } = target;
  const sources = target.sources.map(wildcard);
  const groups = target.groups.map(wildcard);
  const clock = quietHours === undefined ? undefined : new WallClock(quietHours.timeZone);
  return {
    notice(alarm) {
      if (!levels.includes(alarm.level)) return undefined;
      const change = changesOf(alarm).findLast((each) => changes.includes(each));
      if (change === undefined) return undefined;
      if (!sources.some((matches) => matches(alarm.source)) || !groups.some((matches) => matches(alarm.group))) {
        return undefined;
      }
      return { key: noticeKey(alarm), change, alarm };
    },
    quietUntil({ alarm }, now) {
      if (quietHours === undefined || clock === undefined || !quietHours.levels.includes(alarm.level)) return undefined;
      return endOfQuiet(quietHours, clock.minuteOfDay(now), now);
    },
  };
}

/** What the newest change of an alarm is to those who are told; a hidden alarm is told to nobody. */
function changesOf({ state, change: { what } }: AlarmRecord): readonly NotifiedChange[] {
  if (SHOWN_AGAIN.includes(what)) return state === 'unacknowledged' ? ['raised'] : [];
  const told = NOTIFIED_CHANGES.find((each) => each === what);
  if (told === undefined) return [];
  const isOver = (told === 'acknowledged' || told === 'cleared') && state === 'normal';
  return isOver ? [told, 'resolved'] : [told];
}

function endOfQuiet({ from, to }: QuietHours, minute: number, now: number): number | undefined {
  const isQuiet = from <= to ? minute >= from && minute < to : minute >= from || minute < to;
  if (!isQuiet) return undefined;
  return now + Math.ceil(((to - minute + DAY_MINUTES) % DAY_MINUTES) * MINUTE_MS);
}
