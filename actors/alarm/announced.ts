import type { JournalEntry } from '../../bus/messages.js';
import type { Announcement } from '../../machines/alarm.js';
import type { AlarmRecord } from '../../site/alarms.js';

/** The alarm as it is after a journal entry of its own; undefined for an entry that says nothing of it. */
export function announcedBy(entry: JournalEntry): AlarmRecord | undefined {
  const effect = entry.effects.findLast(({ type }) => type === 'announce');
  return effect === undefined ? undefined : (effect.params as Announcement).alarm;
}
