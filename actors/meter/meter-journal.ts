import type { Bus } from '../../bus/connection.js';
import type { LastMessages } from '../../bus/last-messages.js';
import type { JournalEntry } from '../../bus/messages.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { makeRef, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { StatewattError } from '../../errors/error.js';
import type { Accepted, MeterAnnouncement } from '../../machines/meter.js';
import { formatKilowattHours } from '../../site/metering/energy.js';
import type { MeterRecord } from '../../site/metering/readings.js';
import type { MeterReadingsPage, MeterReadingsQuery, MeterReadingView } from '../client/metering.js';
import { meterActorId } from './meter-id.js';

const DEFAULT_LIMIT = 100;
/** Entries read at once: each may hold hundreds of readings. */
const ENTRIES = 50;

type SettledState = MeterReadingView['state'];
const STATES: Readonly<Record<string, SettledState>> = {
  accepted: 'accepted',
  held: 'held',
  released: 'released',
  refused: 'refused',
};

/** A meter as its newest journal entry shows it; undefined when there is none. @throws `bus.unavailable` */
export async function readMeter(last: LastMessages, id: string): Promise<MeterRecord | undefined> {
  const message = await last.get(STREAM.journal, subjects.journal(makeRef('meter', meterActorId(id))));
  if (message === null) return undefined;
  const effect = codecs.journal.decode(message.data).effects.findLast(({ type }) => type === 'announce');
  return effect === undefined ? undefined : (effect.params as MeterAnnouncement).meter;
}

/**
 * What became of a meter's readings, oldest first: whole entries of its journal, until there are as many as were asked for.
 *
 * @throws `meters.invalid_cursor`, `bus.unavailable`
 */
export async function readReadings(
  bus: Bus,
  id: string,
  { limit = DEFAULT_LIMIT, cursor }: MeterReadingsQuery,
): Promise<MeterReadingsPage> {
  const subject = subjects.journal(makeRef('meter', meterActorId(id)));
  const readings: MeterReadingView[] = [];
  let seq = cursor === undefined ? 1 : toSequence(cursor) + 1;
  for (;;) {
    const messages = await readBatch(bus, STREAM.journal, { seq, next_by_subj: subject, batch: ENTRIES });
    for (const message of messages) {
      readings.push(...readingsOf(codecs.journal.decode(message.data)));
      seq = message.seq + 1;
      if (readings.length >= limit) return { readings, nextCursor: String(message.seq) };
    }
    if (messages.length < ENTRIES) return { readings, nextCursor: null };
  }
}

function readingsOf({ effects, at }: JournalEntry): MeterReadingView[] {
  return effects.flatMap(({ type, params }): MeterReadingView[] => {
    const state = STATES[type];
    if (state === undefined) return [];
    return (params as Accepted).items.map(({ sequence, start, end, energy, tokens, wallet, user, marks }) => ({
      ...{ sequence, start, end, kwh: formatKilowattHours(BigInt(energy)), tokens, wallet, user, state, at },
      ...(marks === undefined ? {} : { marks: [...marks] }),
    }));
  });
}

function toSequence(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StatewattError(
    'meters.invalid_cursor',
    'invalid',
    `"${text.slice(0, 100)}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
