import { setTimeout as sleep } from 'node:timers/promises';
import type { StatewattClient } from '../../actors/client/client.js';
import { StatewattError } from '../../errors/error.js';
import { killSomeActor } from '../actor-faults.js';
import type { Target } from '../fault.js';
import type { Breakable } from '../injector.js';
import type { PlannedFault } from '../schedule.js';
import type { ForeignProcess } from './process.js';

/** A site that somebody else runs, of which only actors, threads and the processes that were named can be broken. */
export class AttachedTarget implements Breakable {
  readonly #client: StatewattClient;
  readonly #processes: ReadonlyMap<Target, ForeignProcess>;
  /** Aborted: what is paused goes on at once. */
  readonly #interrupted: AbortSignal | undefined;
  /** What is paused now. */
  readonly #paused = new Set<{ readonly release: () => Promise<void> }>();

  constructor(client: StatewattClient, processes: ReadonlyMap<Target, ForeignProcess>, interrupted?: AbortSignal) {
    this.#interrupted = interrupted;
    this.#client = client;
    this.#processes = processes;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  async hit({ fault: { do: action, what, kind }, forMs, pick }: PlannedFault): Promise<string> {
    if (what === 'actor') return killSomeActor(this.#client, kind, pick);
    if (what === 'worker') {
      const { node, thread } = await this.#client.killWorker();
      return ` (thread ${thread ?? '–'} of ${node})`;
    }
    const found = this.#processes.get(what);
    if (found === undefined) throw new StatewattError('chaos.no_target', 'invalid', `no process was named for ${what}`);
    if (action === 'kill') await found.kill();
    else await this.#pause(found, forMs);
    return ` (process ${found.pid})`;
  }

  /** Everything goes on. */
  async heal(): Promise<void> {
    await Promise.all([...this.#paused].map(({ release }) => release()));
    this.#paused.clear();
  }

  async #pause(found: ForeignProcess, forMs: number): Promise<void> {
    const pause = await found.pause();
    this.#paused.add(pause);
    const signal = this.#interrupted;
    // An interruption ends it; nothing else can.
    await sleep(forMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    this.#paused.delete(pause);
    await pause.release();
  }
}
