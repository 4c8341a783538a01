import { AckPolicy, DeliverPolicy, type ConsumerConfig, type ConsumerInfo, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { refOfEntry, subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { whileConnected } from '../../../bus/while-connected.js';
import { errorMessage } from '../../../errors/error.js';
import { Consumption } from '../consumption.js';
import type { Owned } from '../placement/ownership.js';
import type { OutboxRunner } from './runner.js';

const REDELIVERY_MS = 30_000;
/** Entries whose effects have not all happened; beyond it the partition's later ones wait on the server. */
const MAX_UNSETTLED = 10_000;
const NAME = /^effects-(\d+)-(\d+)(-\d+)?$/;

/**
 * The journal entries of one partition under one ownership, for their durable effects. Each ownership has a consumer of
 * its own, which begins behind what those before had settled without a gap: their acknowledgement floor. So nothing is
 * skipped, order is kept, and what an owner before still acknowledges counts for nothing.
 */
export class OutboxQueue {
  readonly #bus: Bus;
  readonly #owned: Owned;
  readonly #kinds: readonly string[];
  readonly #runner: OutboxRunner;
  #consumption: Consumption | undefined;

  /** @param kinds those that have durable effects; the entries of others are not looked at */
  constructor(bus: Bus, owned: Owned, kinds: readonly string[], runner: OutboxRunner) {
    this.#bus = bus;
    this.#owned = owned;
    this.#kinds = kinds;
    this.#runner = runner;
  }

  /** False when a later ownership has it already. `existing` are the journal's consumers. */
  open(existing: readonly ConsumerInfo[]): Promise<boolean> {
    this.#consumption = new Consumption({
      bus: this.#bus,
      stream: STREAM.journal,
      make: async (run) => this.#make(run, run === 0 ? existing : await outboxConsumers(this.#bus)),
      onMessage: (message) => this.#take(message),
    });
    return this.#consumption.open();
  }

  /** Takes no more; what runs has `graceMs` to end. */
  async close(graceMs = 0): Promise<void> {
    await Promise.all([this.#consumption?.close(), this.#runner.close(graceMs)]);
  }

  /** Makes the consumer of a run of this ownership; it goes on where those before have been. */
  async #make(run: number, existing: readonly ConsumerInfo[]): Promise<ConsumerInfo | undefined> {
    const { manager } = this.#bus;
    const { partition, epoch } = this.#owned;
    const mine = `effects-${partition}-${epoch}-${run}`;
    const older: string[] = [];
    const kinds = new Set(this.#kinds);
    for (const { name, config } of existing) {
      const [, of, at] = NAME.exec(name) ?? [];
      if (Number(of) !== partition) continue;
      if (Number(at) > epoch) return undefined;
      // Of a kind that has none any more, what has not happened is still to be parked.
      for (const kind of kindsOf(config)) kinds.add(kind);
      if (name !== mine) older.push(name);
    }
    const made =
      existing.find(({ name }) => name === mine) ??
      (await manager.consumers.add(STREAM.journal, {
        durable_name: mine,
        filter_subjects: [...kinds].map((kind) => subjects.journalOf(partition, kind)),
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(REDELIVERY_MS),
        max_ack_pending: MAX_UNSETTLED,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: (settledUpTo(partition, existing) ?? 0) + 1,
      }));
    // Only now: until the new one stands, the old one is what knows the position.
    for (const name of older) await manager.consumers.delete(STREAM.journal, name).catch(ignoreMissing);
    return made;
  }

  #take(message: JsMsg): void {
    try {
      const entry = codecs.journal.decode(message.data);
      this.#runner.take({ ref: refOfEntry(message.subject), seq: message.seq, entry, settle: () => message.ack() });
    } catch (error) {
      process.emitWarning(`${STREAM.journal} ${message.seq} is no entry: ${errorMessage(error)}`);
      message.term('no entry');
    }
  }
}

/** The kinds whose entries a consumer is given. */
function kindsOf({ filter_subject, filter_subjects }: ConsumerConfig): string[] {
  const filters = filter_subjects ?? (filter_subject === undefined ? [] : [filter_subject]);
  return filters.flatMap((filter) => /^evt\.\d+\.([a-z][a-z0-9-]*)\.\*$/.exec(filter)?.[1] ?? []);
}

/** The consumers of the journal, of every ownership. */
export function outboxConsumers(bus: Bus): Promise<ConsumerInfo[]> {
  return whileConnected(bus, async () => {
    const found: ConsumerInfo[] = [];
    for await (const info of bus.manager.consumers.list(STREAM.journal)) found.push(info);
    return found;
  });
}

/**
 * Up to which journal sequence all durable effects of a partition's entries have happened or are parked; undefined when
 * none of its owners runs any, or none of the kind that is given. `consumers` are the journal's.
 */
export function settledUpTo(partition: number, consumers: readonly ConsumerInfo[], kind?: string): number | undefined {
  const floors = consumers
    .filter(({ name }) => Number(NAME.exec(name)?.[1]) === partition)
    .filter(({ config }) => kind === undefined || kindsOf(config).includes(kind))
    .map(({ ack_floor }) => ack_floor.stream_seq);
  return floors.length === 0 ? undefined : Math.max(...floors);
}

function ignoreMissing(error: unknown): void {
  if (!/not found/i.test(errorMessage(error))) throw error;
}
