import type { EngineConnection, EngineResult, NativeEngine } from './native.js';
import { quote, quoteName, type EngineRequest } from './request.js';

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
  async run(sql: string, request: Pick<EngineRequest, 'database' | 'format' | 'settings' | 'parameters'>) {
    const slot = await this.#take();
    try {
      return await this.#runOn(slot, sql, request);
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

  async #runOn(
    slot: Slot,
    sql: string,
    request: Pick<EngineRequest, 'database' | 'format' | 'settings' | 'parameters'>,
  ): Promise<EngineResult> {
    const statement = (text: string) => this.#engine.QueryAsyncConnection(slot.connection, text, request.format);
    if (slot.database !== request.database) {
      await statement(`USE ${quoteName(request.database)}`);
      slot.database = request.database;
    }
    const changes = [
      ...[...request.settings].map(([name, value]) => `${name} = ${quote(value)}`),
      ...[...request.parameters].map(([name, value]) => `param_${name} = ${quote(value)}`),
    ];
    try {
      if (changes.length > 0) await statement(`SET ${changes.join(', ')}`);
      return await statement(sql);
    } finally {
      // Parameters stay set, which is harmless: a statement's own placeholders are set anew each time.
      const reset = [...request.settings.keys()].map((name) => `${name} = DEFAULT`);
      if (reset.length > 0) await statement(`SET ${reset.join(', ')}`);
    }
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
