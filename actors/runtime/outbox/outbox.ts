import type { Bus } from '../../../bus/connection.js';
import type { DeadEffect, DeadLetter } from '../../../bus/messages.js';
import type { Ref } from '../../../bus/subjects.js';
import { Histogram } from '../../../telemetry/histogram.js';
import type { Kind } from '../kind.js';
import type { Owned } from '../placement/ownership.js';
import { OutboxQueue } from './queue.js';
import { rerunEffect, type Tell } from './rerun.js';
import { OutboxRunner, unknownEffect, type OutboxCounters } from './runner.js';

export interface OutboxOptions {
  readonly bus: Bus;
  readonly kinds: readonly Kind[];
  readonly node: string;
  /** Whether this node may act for a partition at this moment, under this ownership. */
  readonly owns: (owned: Owned) => boolean;
  readonly park: (ref: Ref, letter: DeadLetter) => Promise<void>;
  readonly tell: Tell;
}

/** The durable effects of the actors whose partitions this node owns. */
export class Outbox {
  readonly counters: OutboxCounters = { effectsRun: 0, effectsRetried: 0, effectsParked: 0 };
  readonly times = new Histogram();
  /** Whether any kind has a durable effect; without one nobody needs to read the journal. */
  readonly needed: boolean;
  readonly #options: OutboxOptions;
  readonly #kinds: ReadonlyMap<string, Kind>;
  /** Of the kinds that have durable effects. */
  readonly #names: readonly string[];

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.kind, kind]));
    this.#names = options.kinds.filter(hasDurableEffects).map(({ kind }) => kind);
    this.needed = this.#names.length > 0;
  }

  /** What runs the effects of a partition under one ownership; `open` begins. */
  queue(owned: Owned): OutboxQueue {
    const { bus, node, owns, park, tell } = this.#options;
    const runner = new OutboxRunner({
      effect: (kind, type) => this.#kinds.get(kind)?.durable[type],
      owns: () => owns(owned),
      park,
      tell,
      node,
      counters: this.counters,
      times: this.times,
    });
    return new OutboxQueue(bus, owned, this.#names, runner);
  }

  /**
   * Runs an effect from the dead letters once more.
   *
   * @throws what the effect throws; `effects.unknown` when this node's kind has none of that name
   */
  async rerun(ref: Ref, letter: DeadLetter, dead: DeadEffect): Promise<void> {
    const effect = this.#kinds.get(ref.kind)?.durable[dead.type];
    if (effect === undefined) throw unknownEffect(ref, dead.type);
    await rerunEffect(effect, ref, letter, dead, this.#options.tell);
    this.counters.effectsRun += 1;
  }
}

/** Whether the outbox has to look at the entries of a kind's actors. */
function hasDurableEffects({ durable }: Kind): boolean {
  return Object.keys(durable).length > 0;
}
