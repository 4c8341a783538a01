import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { makeRef, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { meterActorId } from '../../actors/meter/meter-id.js';
import type { AcceptedReading } from '../../site/metering/readings.js';

/** What the journal of a meter says that tokens are owed for, in its order: as those who mint read it. */
export async function readJournalItems(bus: Bus, meter: string): Promise<AcceptedReading[]> {
  const subject = subjects.journal(makeRef('meter', meterActorId(meter)));
  const messages = await readBatch(bus, STREAM.journal, { seq: 1, next_by_subj: subject, batch: 1_000 });
  return messages
    .flatMap(({ data }) => codecs.journal.decode(data).effects)
    .filter(({ type }) => type === 'accepted' || type === 'released')
    .flatMap(({ params }) => (params as { items: AcceptedReading[] }).items);
}
