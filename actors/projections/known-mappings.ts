import { DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import { whileConnected } from '../../bus/while-connected.js';
import type { MappingDefinition } from '../../site/history/definition.js';

const RETRY_MS = 500;
const CONSUME = { max_messages: 1_000, idle_heartbeat: 1_000 } as const;
const MAPPINGS = subjects.journalOfKind('history-mapping');

export interface KnownMapping {
  readonly definition: MappingDefinition;
  /** When it was made or changed last, ms since the Unix epoch. */
  readonly updatedAt: number;
}

/**
 * The mappings of callers, as the journal tells of them: the last entry of each holds the whole of it. After a lost
 * connection it begins anew.
 */
export class KnownMappings {
  readonly #bus: Bus;
  #known: Map<string, KnownMapping> = new Map();
  #version = 0;
  /** Ids of commands whose outcome is known. */
  readonly #waiting = new Map<string, () => void>();
  #end: () => void = () => undefined;
  #endStatus: () => void = () => undefined;
  #reading: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** By id. */
  get all(): ReadonlyMap<string, KnownMapping> {
    return this.#known;
  }

  /** Rises with each change. */
  get version(): number {
    return this.#version;
  }

  start(): void {
    this.#endStatus = this.#bus.onStatus(() => this.#end());
    this.#reading = this.#read();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#endStatus();
    this.#end();
    await this.#reading;
  }

  /** Sends a command, and resolves when what it has changed is known here too, or that takes longer than `patienceMs`. */
  async after<T>(commandId: string, send: () => Promise<T>, patienceMs: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const seen = new Promise<void>((resolve) => {
      this.#waiting.set(commandId, resolve);
      timer = setTimeout(resolve, patienceMs);
    });
    try {
      const answer = await send();
      await seen;
      return answer;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(commandId);
    }
  }

  async #read(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#follow();
      } catch {
        // The bus says itself that it is away.
        if (!this.#stopped) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Until the connection is another. */
  async #follow(): Promise<void> {
    const ended = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    const consumer = await whileConnected(this.#bus, () =>
      this.#bus.jetstream.consumers.get(STREAM.journal, {
        deliver_policy: DeliverPolicy.LastPerSubject,
        filter_subjects: MAPPINGS,
      }),
    );
    const known = new Map<string, KnownMapping>();
    let loaded = (await whileConnected(this.#bus, () => consumer.info())).num_pending === 0;
    if (loaded) this.#take(known);
    const messages = await whileConnected(this.#bus, () =>
      consumer.consume({
        ...CONSUME,
        callback: (message) => {
          const commandId = apply(message, known);
          loaded ||= message.info.pending === 0;
          if (loaded) this.#take(known);
          if (commandId !== undefined) this.#waiting.get(commandId)?.();
        },
      }),
    );
    await ended;
    void messages.close();
  }

  #take(known: Map<string, KnownMapping>): void {
    this.#known = known;
    this.#version += 1;
  }
}

/** Answers the id of the entry's command. */
function apply(message: JsMsg, known: Map<string, KnownMapping>): string | undefined {
  const { id } = refOfEntry(message.subject);
  const { event, at, commandId } = codecs.journal.decode(message.data);
  if (event.type === 'put') known.set(id, { definition: event.definition as MappingDefinition, updatedAt: at });
  else if (event.type === 'remove') known.delete(id);
  return commandId;
}
