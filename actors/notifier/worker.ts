import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { errorMessage } from '../../errors/error.js';
import type { HeardEvent, NotifierEvent } from '../../machines/notifier.js';
import type { AlarmRecord } from '../../site/alarms.js';
import { counted, type Notice, type Tally } from '../../site/notifications/message.js';
import { routeOf, type Route } from '../../site/notifications/route.js';
import type { NotificationTarget } from '../../site/notifications/target.js';
import { announcedBy } from '../alarm/announced.js';
import type { Host, Resource, WithoutTime } from '../runtime/kind.js';

/** What notifiers need of their node. */
export interface NotifierParts {
  readonly bus: Bus;
  /** The target as it is configured now. */
  target(id: string): NotificationTarget | undefined;
  /** Calls back whenever an alarm has changed; answers a function that ends it. */
  onAlarm(listener: () => void): () => void;
  readonly now?: () => number;
  /** Messages are counted for so long, ms; default a minute. */
  readonly windowMs?: number;
}

const ALARMS = subjects.journalOfKind('alarm');
/** Entries read at once. */
const BATCH = 500;
/** Entries of which nothing is told, after which it is noted all the same how far it has come. */
const NOTE_AFTER = 10_000;
/** The journal is looked at this often even when nobody says that an alarm has changed. */
const POLL_MS = 5_000;
const RETRY_MS = 500;
const MINUTE_MS = 60_000;

/** Whether the journal has more, or could not be read. */
type Found = 'more' | 'all' | 'failed';

/** The live part of a notifier: reads the alarms' journal and tells the chart what the target is to be told. */
export class NotifierWorker implements Resource {
  readonly #host: Host<WithoutTime<NotifierEvent>>;
  readonly #parts: NotifierParts;
  readonly #now: () => number;
  #following: AbortController | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** The journal has been read up to here; and the chart knows of it up to there. */
  #read = 0;
  #noted = 0;
  #problem: string | null = null;
  #route: { readonly target: NotificationTarget; readonly route: Route } | undefined;

  constructor(host: Host<WithoutTime<NotifierEvent>>, parts: NotifierParts) {
    this.#host = host;
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
  }

  inspect() {
    return { following: this.#following !== undefined, read: this.#read, problem: this.#problem };
  }

  /** Reads on behind a journal sequence; null: only what comes from now on. */
  follow(position: number | null): void {
    this.rest();
    const following = new AbortController();
    this.#following = following;
    const before = this.#ended;
    this.#ended = before.then(() => this.#follow(position, following.signal));
    this.#ended.catch((error: unknown) => this.#host.fail(error));
  }

  rest(): void {
    this.#following?.abort();
    this.#following = undefined;
  }

  async close(): Promise<void> {
    this.rest();
    await this.#ended.catch(() => undefined); // The host has heard of it.
  }

  async #follow(position: number | null, signal: AbortSignal): Promise<void> {
    let wake: () => void = () => undefined;
    let isChanged = false;
    const end = this.#parts.onAlarm(() => {
      isChanged = true;
      wake();
    });
    const aborted = (): void => wake();
    signal.addEventListener('abort', aborted);
    try {
      this.#read = this.#noted = position ?? 0;
      let hasBegun = position !== null;
      while (!signal.aborted) {
        isChanged = false;
        const found = await (hasBegun ? this.#step() : this.#begin());
        hasBegun ||= found !== 'failed';
        if (found === 'more' || (found === 'all' && isChanged) || signal.aborted) continue;
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, found === 'failed' ? RETRY_MS : POLL_MS);
          wake = () => {
            if (found === 'failed' && !signal.aborted) return; // A pause before the next try, whatever happens.
            clearTimeout(timer);
            resolve();
          };
        });
      }
    } finally {
      end();
      signal.removeEventListener('abort', aborted);
    }
  }

  /** What comes from now on is told. @throws what the actor's own events throw */
  async #begin(): Promise<Found> {
    try {
      const { state } = await this.#parts.bus.manager.streams.info(STREAM.journal);
      this.#read = this.#noted = state.last_seq;
      this.#problem = null;
    } catch (error) {
      return this.#failed(error);
    }
    await this.#host.send({ type: 'begin', upTo: this.#read });
    return 'more';
  }

  /** Reads and tells a batch. @throws what the actor's own events throw */
  async #step(): Promise<Found> {
    let messages: Awaited<ReturnType<typeof readBatch>>;
    try {
      const range = { seq: this.#read + 1, next_by_subj: ALARMS, batch: BATCH };
      messages = await readBatch(this.#parts.bus, STREAM.journal, range);
      this.#problem = null;
    } catch (error) {
      return this.#failed(error);
    }
    const last = messages.at(-1);
    if (last === undefined) return 'all';
    const alarms = messages.flatMap(({ data, seq }) => this.#alarm(data, seq));
    const heard = this.#hear(alarms, last.seq);
    if (heard !== undefined) await this.#host.send(heard);
    this.#read = last.seq;
    return messages.length === BATCH ? 'more' : 'all';
  }

  #failed(error: unknown): 'failed' {
    this.#problem = errorMessage(error);
    return 'failed';
  }

  /** Undefined when there is nothing that the chart has to know. */
  #hear(alarms: readonly AlarmRecord[], upTo: number): WithoutTime<HeardEvent> | undefined {
    const target = this.#parts.target(this.#host.ref.id);
    if (target === undefined) return undefined; // It is about to be forgotten.
    if (this.#route?.target !== target) this.#route = { target, route: routeOf(target) };
    const { route } = this.#route;
    const { perMinute: perWindow } = target;
    const { windowMs = MINUTE_MS } = this.#parts;
    const now = this.#now();
    const notices: Notice[] = [];
    let surplus: Tally | null = null;
    let quiet: Tally | null = null;
    let quietUntil: number | null = null;
    for (const alarm of alarms) {
      const notice = route.notice(alarm);
      if (notice === undefined) continue;
      const until = route.quietUntil(notice, now);
      if (until !== undefined) {
        quiet = counted(quiet, notice);
        quietUntil = until;
      } else if (notices.length < perWindow) notices.push(notice);
      else surplus = counted(surplus, notice);
    }
    if (notices.length === 0 && quiet === null && upTo - this.#noted < NOTE_AFTER) return undefined;
    this.#noted = upTo;
    return { type: 'heard', upTo, notices, surplus, quiet, quietUntil, perWindow, windowMs };
  }

  #alarm(data: Uint8Array, seq: number): AlarmRecord[] {
    try {
      const alarm = announcedBy(codecs.journal.decode(data));
      return alarm === undefined ? [] : [alarm];
    } catch (error) {
      this.#problem = `message ${seq} of ${STREAM.journal}: ${errorMessage(error)}`;
      return [];
    }
  }
}
