import type { EngineConnection, EngineResult, NativeEngine } from './native.js';
import { quote, quoteName, type EngineRequest } from './request.js';

type StatementFacts = Pick<EngineRequest, 'database' | 'format' | 'settings' | 'parameters'>;

interface Slot {
  readonly connection: EngineConnection;
  database: string;
}

/** Too many statements wait already. */
export class Overloaded extends Error {}

/**
 * A fixed number of engine connections. Each runs one statement at a time with its own settings; further statements
 * wait in order, up to a bound.
 */
export class Connections {
  readonly #engine: NativeEngine;
  readonly #slots: Slot[];
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];
  readonly #maxWaiting: number;

  constructor(engine: NativeEngine, folder: string, bounds: { connections: number; maxWaiting: number }) {
    this.#engine = engine;
    this.#maxWaiting = bounds.maxWaiting;
    this.#slots = Array.from({ length: bounds.connections }, () => ({
      connection: engine.CreateConnection(folder),
      database: 'default',
    }));
    this.#free = [...this.#slots];
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @throws Overloaded; or the engine's own error, whose message begins with `Code: <number>.` */
  async run(sql: string, request: StatementFacts): Promise<EngineResult> {
    const slot = await this.#take();
    try {
      return await this.#runOn(slot, sql, request);
    } finally {
      this.#give(slot);
    }
  }

  /**
   * The answer of a statement without FORMAT, block by block; the connection is taken until the reader ends.
   *
   * @param format one whose blocks can stand one behind the other
   * @throws as `run`
   */
  async *stream(sql: string, format: string, request: StatementFacts): AsyncGenerator<Uint8Array> {
    const slot = await this.#take();
    try {
      const reset = await this.#prepare(slot, request);
      try {
        const stream = this.#engine.StreamQuery(slot.connection, sql, format);
        let ended = false;
        try {
          while (!ended) {
            const { bytes, done } = await this.#engine.StreamFetch(stream);
            ended = done;
            if (!done) yield bytes;
          }
        } finally {
          if (!ended) this.#engine.StreamCancel(stream);
        }
      } finally {
        await reset();
      }
    } finally {
      this.#give(slot);
    }
  }

  /** Waits for what runs, then closes every connection. No statement may be begun afterwards. */
  async close(): Promise<void> {
    for (let closed = 0; closed < this.#slots.length; closed++) {
      this.#engine.CloseConnection((await this.#take(Infinity)).connection);
    }
  }

  async #runOn(slot: Slot, sql: string, request: StatementFacts): Promise<EngineResult> {
    const reset = await this.#prepare(slot, request);
    try {
      return await this.#engine.QueryAsyncConnection(slot.connection, sql, request.format);
    } finally {
      await reset();
    }
  }

  /** Sets database, settings and parameters; answers what takes the settings back. */
  async #prepare(slot: Slot, request: StatementFacts): Promise<() => Promise<void>> {
    const statement = (text: string) => this.#engine.QueryAsyncConnection(slot.connection, text, request.format);
    if (slot.database !== request.database) {
      await statement(`USE ${quoteName(request.database)}`);
      slot.database = request.database;
    }
    const changes = [
      ...[...request.settings].map(([name, value]) => `${name} = ${quote(value)}`),
      ...[...request.parameters].map(([name, value]) => `param_${name} = ${quote(value)}`),
    ];
    const reset = async () => {
      // Parameters stay set, which is harmless: a statement's own placeholders are set anew each time.
      const defaults = [...request.settings.keys()].map((name) => `${name} = DEFAULT`);
      if (defaults.length > 0) await statement(`SET ${defaults.join(', ')}`);
    };
    try {
      if (changes.length > 0) await statement(`SET ${changes.join(', ')}`);
    } catch (error) {
      await reset();
      throw error;
    }
    return reset;
  }

  #take(maxWaiting = this.#maxWaiting): Promise<Slot> {
    const slot = this.#free.pop();
    if (slot !== undefined) return Promise.resolve(slot);
    if (this.#waiting.length >= maxWaiting) {
      throw new Overloaded(`${this.#waiting.length} statements wait already, which is the bound`);
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #give(slot: Slot): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(slot);
    else next(slot);
  }
}
