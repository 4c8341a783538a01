import { DeliverPolicy } from '@nats-io/jetstream';
import { announcedBy } from '../../actors/alarm/announced.js';
import { connectBus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';

export interface Checked {
  /** Of those asked for, found in the journal. */
  readonly alarms: number;
  readonly entries: number;
  /** Alarms whose entries are not: raised once, then acknowledged once. */
  readonly wrong: number;
  /** Mean size of an entry. */
  readonly bytes: number;
}

/** Reads the journal of alarms, from its first entry to its last. */
export async function checkJournal(natsUrl: string, ids: readonly string[]): Promise<Checked> {
  const bus = await connectBus({ servers: [natsUrl], name: 'checker' });
  try {
    const consumer = await bus.jetstream.consumers.get(STREAM.journal, {
      deliver_policy: DeliverPolicy.All,
      filter_subjects: subjects.journalOfKind('alarm'),
    });
    const told = new Map<string, string[]>(ids.map((id) => [id, []]));
    let entries = 0;
    let bytes = 0;
    const messages = await consumer.consume({ max_messages: 2_000 });
    for await (const message of messages) {
      const changes = told.get(refOfEntry(message.subject).id);
      if (changes !== undefined) {
        entries += 1;
        bytes += message.data.length;
        changes.push(announcedBy(codecs.journal.decode(message.data))?.change.what ?? 'nothing');
      }
      if (message.info.pending === 0) break;
    }
    const all = [...told.values()];
    return {
      alarms: all.filter((changes) => changes.length > 0).length,
      entries,
      wrong: all.filter((changes) => changes.join() !== 'raised,acknowledged').length,
      bytes: Math.round(bytes / Math.max(1, entries)),
    };
  } finally {
    await bus.close();
  }
}
