import { JetStreamApiCodes, JetStreamApiError, PubHeaders } from '@nats-io/jetstream';
import { InvalidArgumentError } from '@nats-io/transport-node';
import { StatewattError, errorMessage } from '../../errors/error.js';
import type { Bus } from '../../bus/connection.js';
import { HEADER, encodeHeaders } from '../../bus/headers.js';
import type { DeadLetter, JournalEntry, SnapshotRecord } from '../../bus/messages.js';
import { LastMessages, type LastMessage } from '../../bus/last-messages.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { formatRef, type Ref } from '../../bus/subjects.js';
import { codecs, topics } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import { GroupCommit } from './group-commit.js';

/** Another activation of the same actor has written since: this one is stale and must stop. Code `journal.fenced`. */
export class FencedError extends StatewattError {
  constructor(ref: Ref, expected: number) {
    super(
      'journal.fenced',
      'conflict',
      `${formatRef(ref)}: the journal went on past ${expected} without this activation`,
    );
  }
}

/** How an entry landed. */
export interface Appended {
  /** Its sequence in the journal stream. */
  seq: number;
  /** An entry with this id is part of the state that was appended to; nothing was added. */
  duplicate: boolean;
}

/** What is stored of an actor: its newest snapshot, if any, and every entry after it, in order. */
export interface Loaded {
  snapshot: SnapshotRecord | undefined;
  entries: { seq: number; entry: JournalEntry }[];
  /** Of the newest entry, though a snapshot may include it; 0 when that names none. */
  ownership: number;
}

/** What a journal needs to be; the runtime's tests bring one that lives in memory. */
export interface Journal {
  /**
   * While the bus is away it goes on trying. A snapshot that is not `usable` is left out, and the entries are all that
   * there are.
   *
   * @throws `journal.incomplete` when stored entries do not come
   */
  load(ref: Ref, usable: (snapshot: SnapshotRecord) => boolean): Promise<Loaded>;
  /**
   * Appends behind `expected` (0 = nothing yet). Resolves only when it is durable; while the bus is away it goes on
   * trying, because only the bus knows whether a lost acknowledgement meant yes.
   *
   * @throws FencedError when the journal went on without the caller, even by an entry with the same id;
   *   `journal.refused` when it is full, `journal.too_big` when it will never take the entry (nothing was added)
   */
  append(ref: Ref, entry: JournalEntry, expected: number, entryId: string): Promise<Appended>;
  /** Replaces an older snapshot, never a newer one. */
  saveSnapshot(ref: Ref, snapshot: SnapshotRecord): Promise<void>;
  park(ref: Ref, letter: DeadLetter): Promise<void>;
}

const RETRY_MS = 250;
const BATCH = 500;

/** The journal on JetStream: streams JOURNAL, SNAPSHOTS and DEADLETTERS. */
export class JetStreamJournal implements Journal {
  readonly #bus: Bus;
  readonly #commits: GroupCommit;
  readonly #lasts: LastMessages;
  #closed = false;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.#commits = new GroupCommit(bus, { fenced: true });
    this.#lasts = new LastMessages(bus);
  }

  /** Ends the retries of what is under way; each rejects with `journal.closed`. */
  close(): void {
    this.#closed = true;
    this.#commits.close();
    this.#lasts.close();
  }

  async load(ref: Ref, usable: (snapshot: SnapshotRecord) => boolean = () => true): Promise<Loaded> {
    const subject = topics.journal(ref).subject;
    const [stored, newestEntry] = await Promise.all([
      this.#last(STREAM.snapshots, topics.snapshot(ref).subject),
      this.#last(STREAM.journal, subject),
    ]);
    const newest = stored === null ? undefined : codecs.snapshot.decode(stored.data);
    // Asked side by side: a snapshot may include entries behind the one that was the last then.
    const behind = newest !== undefined && newest.seq > (newestEntry?.seq ?? 0);
    const last = behind ? await this.#last(STREAM.journal, subject) : newestEntry;
    const snapshot = newest !== undefined && usable(newest) ? newest : undefined;
    if (last === null) return { snapshot, entries: [], ownership: 0 };
    const entry = codecs.journal.decode(last.data);
    const included = snapshot?.seq ?? 0;
    const alone = last.seq > included && entry.previous === included;
    return {
      snapshot,
      entries: alone ? [{ seq: last.seq, entry }] : await this.#entries(ref, included + 1, last.seq),
      ownership: entry.ownership ?? 0,
    };
  }

  /** Those of an actor from `from` to at least `to`. */
  async #entries(ref: Ref, from: number, to: number): Promise<{ seq: number; entry: JournalEntry }[]> {
    const entries: { seq: number; entry: JournalEntry }[] = [];
    let next = from;
    while (next <= to) {
      const before = entries.length;
      const request = { seq: next, next_by_subj: topics.journal(ref).subject, batch: BATCH };
      for (const message of await this.#reach(() => readBatch(this.#bus, STREAM.journal, request))) {
        entries.push({ seq: message.seq, entry: codecs.journal.decode(message.data) });
        next = message.seq + 1;
      }
      if (entries.length === before) throw incomplete(ref, next, to);
    }
    return entries;
  }

  async #last(stream: string, subject: string): Promise<LastMessage | null> {
    for (;;) {
      if (this.#closed) throw closed();
      try {
        return await this.#lasts.get(stream, subject);
      } catch {
        await pause(); // Only the server is away.
      }
    }
  }

  /** Asks until the server answers: that it is away is no fault of the actor's. */
  async #reach<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      if (this.#closed) throw closed();
      try {
        return await whileConnected(this.#bus, ask);
      } catch (error) {
        if (error instanceof JetStreamApiError) throw error;
        await pause();
      }
    }
  }

  async append(ref: Ref, entry: JournalEntry, expected: number, entryId: string): Promise<Appended> {
    const payload = topics.journal(ref).codec.encode(entry);
    for (let uncertain = false; ; uncertain = true) {
      if (this.#closed) throw closed();
      try {
        return await this.#attempt({ ref, entry, payload, expected, entryId, uncertain });
      } catch (error) {
        if (error instanceof StatewattError) throw error;
        await pause();
      }
    }
  }

  async saveSnapshot(ref: Ref, snapshot: SnapshotRecord): Promise<void> {
    const topic = topics.snapshot(ref);
    for (;;) {
      const get = () => this.#bus.manager.direct.getMessage(STREAM.snapshots, { last_by_subj: topic.subject });
      const stored = await whileConnected(this.#bus, get);
      // Ours is a stale activation's. What lies behind the newer one may be compacted away by now.
      if (stored !== null && codecs.snapshot.decode(stored.data).seq > snapshot.seq) return;
      try {
        await this.#bus.jetstream.publish(topic.subject, topic.codec.encode(snapshot), {
          headers: encodeHeaders({ schema: topic.codec.schema }),
          expect: { lastSubjectSequence: stored?.seq ?? 0 },
        });
        return;
      } catch (error) {
        if (!isWrongLastSequence(error)) throw error; // Otherwise another one was saved in between: compare again.
      }
    }
  }

  async park(ref: Ref, letter: DeadLetter): Promise<void> {
    // The event is what must not be lost; of one that is as big as a message may be there is only its name.
    const smaller: DeadLetter[] = [
      letter,
      { ...letter, state: null },
      { ...letter, state: null, event: { type: letter.event.type }, eventOmitted: true },
    ];
    for (;;) {
      try {
        await this.#publishLetter(ref, smaller.shift() as DeadLetter);
        return;
      } catch (error) {
        if (!isTooBig(error) || smaller.length === 0) throw error;
      }
    }
  }

  async #publishLetter(ref: Ref, letter: DeadLetter): Promise<void> {
    const topic = topics.deadLetter(ref);
    const name = letter.effect?.key ?? letter.commandId;
    await this.#bus.jetstream.publish(topic.subject, topic.codec.encode(letter), {
      headers: encodeHeaders({ schema: topic.codec.schema }),
      ...(name === undefined ? {} : { msgID: `dead:${letter.ref}:${name}` }),
    });
  }

  async #attempt({ ref, entry, payload, expected, entryId, uncertain }: Attempt): Promise<Appended> {
    const topic = topics.journal(ref);
    let duplicate: number;
    try {
      const headers = encodeHeaders({
        schema: topic.codec.schema,
        dedupId: entryId,
        traceparent: entry.traceparent,
        ...(entry.correlationId === undefined ? {} : { correlationId: entry.correlationId }),
      });
      headers.set(PubHeaders.ExpectedLastSubjectSequenceHdr, String(expected));
      const ack = await this.#commits.write({ subject: topic.subject, payload, headers });
      if (!ack.duplicate || ack.seq <= expected) return { seq: ack.seq, duplicate: ack.duplicate };
      duplicate = ack.seq;
    } catch (error) {
      if (isTooBig(error)) throw tooBig(ref, error);
      if (!(error instanceof JetStreamApiError)) throw error;
      const landed = uncertain ? await this.#ours({ last_by_subj: topic.subject }, entry) : undefined;
      if (landed !== undefined) return { seq: landed, duplicate: false };
      throw isWrongLastSequence(error) ? new FencedError(ref, expected) : refused(ref, error);
    }
    // It lies behind our state: an attempt of ours whose acknowledgement was lost, or another activation's doing.
    const landed = await this.#ours({ seq: duplicate }, entry);
    if (landed === undefined) throw new FencedError(ref, expected);
    return { seq: landed, duplicate: false };
  }

  /** The sequence of the message if it is the very entry that we sent: each has a span of its own. */
  async #ours(which: { seq: number } | { last_by_subj: string }, entry: JournalEntry): Promise<number | undefined> {
    const found = await this.#bus.manager.direct.getMessage(STREAM.journal, which);
    return found?.header.get(HEADER.traceparent) === entry.traceparent ? found.seq : undefined;
  }
}

interface Attempt {
  readonly ref: Ref;
  readonly entry: JournalEntry;
  readonly payload: Uint8Array;
  readonly expected: number;
  readonly entryId: string;
  /** An earlier attempt may have landed. */
  readonly uncertain: boolean;
}

/** A cluster that has a write to the subject under way does not say which sequence was the last. */
function isWrongLastSequence(error: unknown): boolean {
  if (!(error instanceof JetStreamApiError)) return false;
  const { StreamWrongLastSequence, StreamWrongLastSequenceUnknown } = JetStreamApiCodes;
  return error.code === StreamWrongLastSequence || error.code === StreamWrongLastSequenceUnknown;
}

/** nats-server: JSStreamMessageExceedsMaximumErr */
const EXCEEDS_MAXIMUM = 10054;

/** For the connection, which does not even send it, or for the stream. */
function isTooBig(error: unknown): error is InvalidArgumentError | JetStreamApiError {
  return (
    error instanceof InvalidArgumentError || (error instanceof JetStreamApiError && error.code === EXCEEDS_MAXIMUM)
  );
}

function incomplete(ref: Ref, from: number, to: number): StatewattError {
  return new StatewattError(
    'journal.incomplete',
    'unavailable',
    `the server gave no entries of ${formatRef(ref)} from ${from} on, though its last one is ${to}`,
  );
}

function closed(): StatewattError {
  return new StatewattError('journal.closed', 'unavailable', 'the node is stopping');
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}

function tooBig(ref: Ref, cause: InvalidArgumentError | JetStreamApiError): StatewattError {
  const text = `an entry of ${formatRef(ref)} is bigger than the journal takes: ${errorMessage(cause)}`;
  return new StatewattError('journal.too_big', 'invalid', text, { cause });
}

/** The answer is no, for now: the stream is full, or its server busy. */
function refused(ref: Ref, error: JetStreamApiError): StatewattError {
  return new StatewattError(
    'journal.refused',
    'unavailable',
    `the journal refused an entry of ${formatRef(ref)}: ${errorMessage(error)}`,
    { cause: error },
  );
}
