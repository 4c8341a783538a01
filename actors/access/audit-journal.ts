import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { jsonCodec } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError } from '../../errors/error.js';
import type { AuditEntry, AuditNote, AuditPage, AuditQuery } from '../client/access.js';

const codec = jsonCodec<Omit<AuditEntry, 'seq'>>(1);
const DEFAULT_LIMIT = 100;
/** Messages read at once while looking for those that match. */
const BATCH = 1_000;
/** Messages looked at for one page; the cursor goes on from there. */
const MAX_LOOKED = 20_000;

/** The stream AUDIT: who asked for what, when, and whether it was allowed. Nothing in it is ever changed. */
export class AuditJournal {
  readonly #bus: Bus;
  readonly #node: string;

  constructor(bus: Bus, node: string) {
    this.#bus = bus;
    this.#node = node;
  }

  /** Resolves when the server has it. @throws `bus.unavailable` */
  async note(note: AuditNote): Promise<void> {
    const entry = { ...note, at: Date.now(), node: this.#node };
    await whileConnected(this.#bus, () => this.#bus.jetstream.publish(subjects.audit, codec.encode(entry)));
  }

  /** Newest first. @throws `access.invalid_cursor`, `bus.unavailable` */
  async read({ limit = DEFAULT_LIMIT, cursor, who, from = -Infinity, to = Infinity }: AuditQuery): Promise<AuditPage> {
    const { first_seq: first, last_seq: last } = await whileConnected(
      this.#bus,
      async () => (await this.#bus.manager.streams.info(STREAM.audit)).state,
    );
    const entries: AuditEntry[] = [];
    let before = Math.min(cursor === undefined ? Infinity : toSequence(cursor), last + 1);
    let oldest = Infinity;
    for (let looked = 0; before > first && entries.length < limit && looked < MAX_LOOKED;) {
      const begin = Math.max(first, before - BATCH);
      const messages = await readBatch(this.#bus, STREAM.audit, { seq: begin, batch: before - begin });
      const found = messages.filter(({ seq }) => seq < before);
      looked += BATCH;
      before = begin;
      for (const { seq, data } of found.reverse()) {
        const entry: AuditEntry = { seq, ...codec.decode(data) };
        oldest = entry.at;
        if ((who !== undefined && entry.who !== who) || entry.at < from || entry.at >= to) continue;
        entries.push(entry);
        if (entries.length < limit) continue;
        before = seq;
        break;
      }
      // They are in the order of time: what comes before was asked for by nobody.
      if (oldest < from) return { entries, nextCursor: null };
    }
    return { entries, nextCursor: before > first ? String(before) : null };
  }
}

function toSequence(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new StatewattError(
    'access.invalid_cursor',
    'invalid',
    `"${text}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
