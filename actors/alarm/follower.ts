import { DeliverPolicy, type Consumer, type JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { Portions } from '../../bus/portions.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whenReset } from '../../bus/when-reset.js';
import { whileConnected } from '../../bus/while-connected.js';
import { errorMessage } from '../../errors/error.js';
import type { AlarmRecord } from '../../site/alarms.js';
import type { AlarmIndex } from './alarm-index.js';
import { announcedBy } from './announced.js';
import { WINDOW_MS, type Raises } from './raises.js';

const RETRY_MS = 500;
const CONSUME = { max_messages: 2_000, idle_heartbeat: 1_000 } as const;
const ALARMS = subjects.journalOfKind('alarm');

/**
 * Keeps the index at what the journal says. First the last entry of each alarm, which holds the whole of it; then every
 * entry of the last hour, for the rates, and all that follow. After a lost connection it goes on where it was.
 */
export class AlarmFollower {
  readonly #bus: Bus;
  readonly #index: AlarmIndex;
  readonly #onChange: (alarm: AlarmRecord) => void;
  readonly #raises: Raises;
  readonly #now: () => number;
  /** Ends what is being consumed. */
  #end: () => void = () => undefined;
  #endStatus: () => void = () => undefined;
  /** When the stream was made: another one of the same name begins anew. */
  #stream = '';
  #taken = 0;
  #loaded = false;
  #behind = 0;
  #rebuilt = 0;
  #stopped = false;
  #lastError: string | null = null;
  #reading: Promise<void> = Promise.resolve();

  readonly #onLoaded: () => void;

  /**
   * @param onChange told of each record of the journal that is newer than the index had
   * @param onLoaded called each time that the index has every alarm
   */
  constructor(
    bus: Bus,
    index: AlarmIndex,
    raises: Raises,
    onChange: (alarm: AlarmRecord) => void,
    now: () => number = Date.now,
    onLoaded: () => void = () => undefined,
  ) {
    this.#onLoaded = onLoaded;
    this.#bus = bus;
    this.#onChange = onChange;
    this.#index = index;
    this.#raises = raises;
    this.#now = now;
  }

  /** Whether the index has every alarm that was there at the start. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Entries of the journal behind the last one that was read, as the server knew then. */
  get behind(): number {
    return this.#behind;
  }

  /** How often the index was made anew: once at the start, and when the journal was another one. */
  get rebuilt(): number {
    return this.#rebuilt;
  }

  /** Why it does not get on; null when it does. */
  get lastError(): string | null {
    return this.#lastError;
  }

  start(): void {
    // The server may have lost the consumer with the connection.
    this.#endStatus = this.#bus.onStatus((status) => {
      if (status === 'connected') this.#end();
    });
    this.#reading = this.#read();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endStatus();
    this.#end();
    await this.#reading;
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#recognise();
        if (!this.#loaded) {
          this.#loaded = await this.#load();
          if (this.#loaded) {
            this.#rebuilt += 1;
            this.#onLoaded();
          }
        }
        this.#lastError = null;
        const consumer = this.#loaded ? await this.#following() : undefined;
        if (consumer !== undefined) await this.#consume(consumer, (message) => this.#follow(message));
      } catch (error) {
        this.#lastError = errorMessage(error);
        if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** A stream that was made anew has nothing to do with what is known. */
  async #recognise(): Promise<void> {
    const { created, state } = await this.#bus.manager.streams.info(STREAM.journal);
    if (created === this.#stream && state.last_seq >= this.#taken) return;
    this.#stream = created;
    this.#taken = 0;
    this.#loaded = false;
    this.#index.clear();
    this.#raises.clear();
  }

  /** False when the connection was lost before the last one. */
  async #load(): Promise<boolean> {
    const consumer = await this.#bus.jetstream.consumers.get(STREAM.journal, {
      deliver_policy: DeliverPolicy.LastPerSubject,
      filter_subjects: ALARMS,
    });
    if ((await consumer.info()).num_pending === 0) return true;
    return this.#consume(consumer, (message) => {
      const alarm = this.#alarm(message);
      if (alarm !== undefined) this.#index.apply(alarm);
      return message.info.pending === 0;
    });
  }

  /** undefined when the stream was made anew meanwhile: in that the sequence may never come. */
  async #following(): Promise<Consumer | undefined> {
    const from =
      this.#taken === 0
        ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(this.#now() - WINDOW_MS).toISOString() }
        : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: this.#taken + 1 };
    const consumer = await this.#bus.jetstream.consumers.get(STREAM.journal, { ...from, filter_subjects: ALARMS });
    const { created } = await this.#bus.manager.streams.info(STREAM.journal);
    return created === this.#stream ? consumer : undefined;
  }

  /**
   * Until `take` says that a message was the last one (true), or the connection or the consumer is lost, or it is stopped
   * (false).
   */
  async #consume(consumer: Consumer, take: (message: JsMsg) => boolean): Promise<boolean> {
    let end: (last: boolean) => void = () => undefined;
    // Not the end of the client's iterator: after a lost connection that may never come.
    const ended = new Promise<boolean>((resolve) => {
      end = resolve;
    });
    this.#end = () => end(false);
    if (this.#stopped) return false;
    let open = true;
    const portions = new Portions();
    const messages = await whileConnected(this.#bus, () =>
      consumer.consume({
        ...CONSUME,
        // One read of the socket may bring hundreds.
        callback: (message) =>
          portions.add(() => {
            if (!open || !take(message)) return;
            open = false;
            end(true);
          }),
      }),
    );
    void whenReset(messages, () => end(false));
    const last = await ended;
    open = false;
    messages.close().catch((error: unknown) => {
      this.#lastError = errorMessage(error);
    });
    return last;
  }

  /** There is always one more. */
  #follow(message: JsMsg): false {
    this.#behind = message.info.pending;
    if (message.seq <= this.#taken) return false;
    this.#taken = message.seq;
    const alarm = this.#alarm(message);
    if (alarm === undefined) return false;
    if (this.#index.apply(alarm)) this.#onChange(alarm);
    if (alarm.change.what === 'raised') this.#raises.add(alarm.id, alarm.change.at);
    return false;
  }

  #alarm(message: JsMsg): AlarmRecord | undefined {
    try {
      return announcedBy(codecs.journal.decode(message.data));
    } catch (error) {
      this.#lastError = `message ${message.seq} of ${STREAM.journal}: ${errorMessage(error)}`;
      return undefined;
    }
  }
}
