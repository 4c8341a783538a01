import type { Bus } from '../../bus/connection.js';
import type { EventBody } from '../../bus/messages.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { makeRef, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError } from '../../errors/error.js';
import type { AlarmRecord } from '../../site/alarms.js';
import type { AlarmJournal, AlarmJournalEntry, AlarmJournalQuery } from '../client/alarms.js';
import { announcedBy } from './announced.js';

const DEFAULT_LIMIT = 100;

/** An alarm as its last journal entry shows it; undefined when nobody has heard of it. @throws `bus.unavailable` */
export async function readAlarm(bus: Bus, id: string): Promise<AlarmRecord | undefined> {
  const subject = subjects.journal(makeRef('alarm', id));
  const last = await whileConnected(bus, () =>
    bus.manager.direct.getMessage(STREAM.journal, { last_by_subj: subject }),
  );
  return last === null ? undefined : announcedBy(codecs.journal.decode(last.data));
}

/** Who did what with an alarm, oldest first. @throws `alarms.invalid_cursor`, `bus.unavailable` */
export async function readAlarmJournal(
  bus: Bus,
  id: string,
  { limit = DEFAULT_LIMIT, cursor }: AlarmJournalQuery,
): Promise<AlarmJournal> {
  const subject = subjects.journal(makeRef('alarm', id));
  const seq = cursor === undefined ? 1 : toSequence(cursor) + 1;
  const messages = await readBatch(bus, STREAM.journal, { seq, next_by_subj: subject, batch: limit });
  const entries = messages.flatMap(({ seq, data }): AlarmJournalEntry[] => {
    const entry = codecs.journal.decode(data);
    const alarm = announcedBy(entry);
    if (alarm === undefined) return [];
    const { event, at } = entry;
    const { change, state } = alarm;
    return [{ seq, at, event: event.type, what: change.what, by: change.by, state, text: textOf(event) }];
  });
  const last = messages.at(-1);
  return { entries, nextCursor: last === undefined || messages.length < limit ? null : String(last.seq) };
}

function textOf({ note, text, reason }: EventBody): string | null {
  const given = note ?? text ?? reason;
  return typeof given === 'string' ? given : null;
}

function toSequence(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StatewattError(
    'alarms.invalid_cursor',
    'invalid',
    `"${text.slice(0, 100)}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
