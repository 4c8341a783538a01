import { Kvm, type KV } from '@nats-io/kv';
import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { acrossGaps, whileConnected } from '../../bus/while-connected.js';
import { firstChannel, nextChannel } from '../../site/models/stored-address.js';

const BUCKET = 'MODEL_NUMBERS';
const KEYS = `$KV.${BUCKET}.`;
const READ = 1_000;
/** Numbers that are claimed at once. */
const WIDTH = 64;

/**
 * The numbers that models have as channels: each is one model's, on every node and for ever. The bucket holds a claim for
 * each, number → id, which is made once and never taken back: a model that is made again under its id has its number again,
 * and no other one ever reads its past. A model claims the number that follows from its id, or the first one behind it that
 * no other model has.
 */
export class ModelNumbers {
  readonly #bus: Bus;
  readonly #kv: KV;
  /** What is known here; claims do not change. */
  readonly #models = new Map<number, string>();
  readonly #numbers = new Map<string, number>();

  private constructor(bus: Bus, kv: KV) {
    this.#bus = bus;
    this.#kv = kv;
  }

  /** With what is claimed so far. @throws `bus.unavailable` */
  static async open(bus: Bus): Promise<ModelNumbers> {
    const create = () => new Kvm(bus.nats).create(BUCKET, { replicas: bus.replicas, history: 1 });
    const numbers = new ModelNumbers(bus, await acrossGaps(bus, create));
    await numbers.#load();
    return numbers;
  }

  /** The number of a model. Until it is claimed, or known here, the one that is claimed first. */
  of(model: string): number {
    return this.#numbers.get(model) ?? firstChannel(model);
  }

  /** The number of a model, from now on for ever. @throws `bus.unavailable` */
  async claim(model: string): Promise<number> {
    const known = this.#numbers.get(model);
    if (known !== undefined) return known;
    for (let number = firstChannel(model); ; number = nextChannel(number)) {
      if ((this.#models.get(number) ?? (await this.#take(number, model))) === model) return number;
    }
  }

  /** As `claim`, of many; of two that want the same number the first has it. */
  async claimAll(models: readonly string[]): Promise<void> {
    const fresh = models.filter((model) => !this.#numbers.has(model));
    const wanted = new Map<number, string[]>();
    for (const model of fresh) {
      const number = firstChannel(model);
      wanted.set(number, [...(wanted.get(number) ?? []), model]);
    }
    const groups = wanted.values();
    const worker = async (): Promise<void> => {
      for (const [first] of groups) if (first !== undefined) await this.claim(first);
    };
    await Promise.all(Array.from({ length: Math.min(WIDTH, wanted.size) }, worker));
    // What the others take instead is nobody's first choice.
    for (const [, ...others] of wanted.values()) for (const model of others) await this.claim(model);
  }

  /** The model that a number stands for; undefined: none has it. @throws `bus.unavailable` */
  async modelOf(channel: number): Promise<string | undefined> {
    return this.#models.get(channel) ?? (await this.#read(channel));
  }

  /** The model whose number it is now: this one, or who was before. */
  async #take(number: number, model: string): Promise<string> {
    try {
      await whileConnected(this.#bus, () => this.#kv.create(String(number), model));
    } catch (error) {
      const owner = await this.#read(number); // Taken; or an attempt whose answer was lost has landed.
      if (owner === undefined) throw error;
      return owner;
    }
    this.#know(number, model);
    return model;
  }

  async #read(number: number): Promise<string | undefined> {
    const entry = await whileConnected(this.#bus, () => this.#kv.get(String(number)));
    if (entry?.operation !== 'PUT') return undefined;
    this.#know(number, entry.string());
    return entry.string();
  }

  async #load(): Promise<void> {
    let seq = 1;
    for (;;) {
      const messages = await readBatch(this.#bus, `KV_${BUCKET}`, { seq, next_by_subj: `${KEYS}>`, batch: READ });
      for (const message of messages) {
        seq = message.seq + 1;
        const model = message.string();
        if (model !== '') this.#know(Number(message.subject.slice(KEYS.length)), model);
      }
      if (messages.length < READ) return;
    }
  }

  #know(number: number, model: string): void {
    this.#models.set(number, model);
    this.#numbers.set(model, number);
  }
}
