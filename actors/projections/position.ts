import { randomUUID } from 'node:crypto';
import { Kvm, type KV } from '@nats-io/kv';
import type { Bus } from '../../bus/connection.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError } from '../../errors/error.js';

const BUCKET = 'POSITIONS';

/** How far a projection has come in its stream. */
export interface Position {
  /** When the stream was made: another stream of the same name begins anew. */
  readonly stream: string;
  /** What the tokens of its batches begin with. */
  readonly tokens: string;
  /** Everything up to this sequence is in the target. */
  readonly committed: number;
  /** The batch that was being written: it is in the target, or not, or in part. Writing it again must change nothing. */
  readonly pending: PendingBatch | null;
}

/** First and last sequence of a batch, and the token that names it for ever. */
export interface PendingBatch {
  readonly from: number;
  readonly to: number;
  readonly token: string;
  /** What was chosen of its frames (choices.ts); absent: everything. */
  readonly chosen?: string;
}

/** Where a projection keeps its position, fenced: of two writers only one goes on. */
export class PositionStore {
  readonly #bus: Bus;
  readonly #kv: KV;
  readonly #name: string;
  /** Tells our own saves from another writer's that say the same. */
  readonly #writer = randomUUID();
  #revision = 0;

  private constructor(bus: Bus, kv: KV, name: string) {
    this.#bus = bus;
    this.#kv = kv;
    this.#name = name;
  }

  static async open(bus: Bus, name: string): Promise<PositionStore> {
    const create = () => new Kvm(bus.nats).create(BUCKET, { replicas: bus.replicas, history: 1 });
    return new PositionStore(bus, await whileConnected(bus, create), name);
  }

  /** The position as of now; from here on, `save` succeeds only while nobody else saves. */
  async load(): Promise<Position | undefined> {
    const entry = await this.#ask((kv) => kv.get(this.#name));
    this.#revision = entry?.revision ?? 0;
    return entry === null || entry.operation !== 'PUT' ? undefined : entry.json<Position>();
  }

  /** @throws `projection.fenced` when another writer has saved since; whatever the bus throws while it is away */
  async save(position: Position): Promise<void> {
    const value = JSON.stringify({ ...position, writer: this.#writer });
    try {
      this.#revision = await this.#ask((kv) =>
        this.#revision === 0 ? kv.create(this.#name, value) : kv.update(this.#name, value, this.#revision),
      );
    } catch (error) {
      const entry = await this.#ask((kv) => kv.get(this.#name));
      if (entry?.string() === value) {
        this.#revision = entry.revision; // An attempt whose answer was lost has landed.
      } else if ((entry?.revision ?? 0) !== this.#revision) {
        throw new StatewattError(
          'projection.fenced',
          'conflict',
          `another writer has taken over the projection "${this.#name}"; this one stops`,
          { cause: error },
        );
      } else {
        throw error;
      }
    }
  }

  #ask<T>(what: (kv: KV) => Promise<T>): Promise<T> {
    return whileConnected(this.#bus, () => what(this.#kv));
  }
}
