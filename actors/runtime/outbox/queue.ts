import { AckPolicy, DeliverPolicy, type ConsumerInfo, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Bus } from '../../../bus/connection.js';
import { STREAM } from '../../../bus/streams.js';
import { refOfEntry, subjects } from '../../../bus/subjects.js';
import { codecs } from '../../../bus/topics.js';
import { errorMessage } from '../../../errors/error.js';
import type { Owned } from '../placement/ownership.js';
import type { OutboxRunner } from './runner.js';

const REDELIVERY_MS = 30_000;
/** Entries whose effects have not all happened; beyond it the partition's later ones wait on the server. */
const MAX_UNSETTLED = 10_000;
const NAME = /^effects-(\d+)-(\d+)$/;

/**
 * The journal entries of one partition under one ownership, for their durable effects. Each ownership has a consumer of
 * its own, which begins behind what those before had settled without a gap: their acknowledgement floor. So nothing is
 * skipped, order is kept, and what an owner before still acknowledges counts for nothing.
 */
export class OutboxQueue {
  readonly #bus: Bus;
  readonly #owned: Owned;
  readonly #runner: OutboxRunner;
  #messages: ConsumerMessages | undefined;
  #closed = false;

  constructor(bus: Bus, owned: Owned, runner: OutboxRunner) {
    this.#bus = bus;
    this.#owned = owned;
    this.#runner = runner;
  }

  /** False when a later ownership has it already. `existing` are the journal's consumers. */
  async open(existing: readonly ConsumerInfo[]): Promise<boolean> {
    const { manager, jetstream } = this.#bus;
    const { partition, epoch } = this.#owned;
    const mine = `effects-${partition}-${epoch}`;
    const older: string[] = [];
    let floor = 0;
    for (const { name, ack_floor } of existing) {
      const [, of, at] = NAME.exec(name) ?? [];
      if (Number(of) !== partition) continue;
      if (Number(at) > epoch) return false;
      if (Number(at) < epoch) older.push(name);
      floor = Math.max(floor, ack_floor.stream_seq);
    }
    if (!existing.some(({ name }) => name === mine)) {
      await manager.consumers.add(STREAM.journal, {
        durable_name: mine,
        filter_subject: subjects.journalOf(partition),
        ack_policy: AckPolicy.Explicit,
        ack_wait: nanos(REDELIVERY_MS),
        max_ack_pending: MAX_UNSETTLED,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: floor + 1,
      });
    }
    // Only now: until the new one stands, the old one is what knows the position.
    for (const name of older) await manager.consumers.delete(STREAM.journal, name).catch(ignoreMissing);
    if (this.#closed) return true;
    const consumer = await jetstream.consumers.get(STREAM.journal, mine);
    this.#messages = await consumer.consume({ max_messages: 200, callback: (message) => this.#take(message) });
    if (this.#closed) await this.#messages.close();
    return true;
  }

  /** Takes no more; what runs has `graceMs` to end. */
  async close(graceMs = 0): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#messages?.close(), this.#runner.close(graceMs)]);
  }

  #take(message: JsMsg): void {
    if (this.#closed) return;
    try {
      const entry = codecs.journal.decode(message.data);
      this.#runner.take({ ref: refOfEntry(message.subject), seq: message.seq, entry, settle: () => message.ack() });
    } catch (error) {
      process.emitWarning(`${STREAM.journal} ${message.seq} is no entry: ${errorMessage(error)}`);
      message.term('no entry');
    }
  }
}

/** The consumers of the journal, of every ownership. */
export async function outboxConsumers(bus: Bus): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  for await (const info of bus.manager.consumers.list(STREAM.journal)) found.push(info);
  return found;
}

function ignoreMissing(error: unknown): void {
  if (!/not found/i.test(errorMessage(error))) throw error;
}
