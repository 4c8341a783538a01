import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '../errors/error.js';
import type { DoneFault } from './checks/samples.js';
import { describeFault, type PlannedFault } from './schedule.js';

/** What faults are done to. */
export interface Breakable {
  /** Resolves when what is to be hit is there, and as the fault wants it. */
  ready(planned: PlannedFault): Promise<void>;
  /** Resolves when the fault is over: what of several it has hit, to be added to its text. */
  hit(planned: PlannedFault): Promise<string>;
}

/** Does the faults of a plan, each at its time; they may overlap. */
export class Injector {
  readonly done: DoneFault[] = [];
  readonly #target: Breakable;
  readonly #onFault: (fault: DoneFault) => void;

  constructor(target: Breakable, onFault: (fault: DoneFault) => void) {
    this.#target = target;
    this.#onFault = onFault;
  }

  /** Resolves when the last of them is over, or `interrupted` was aborted. `begun`: of `performance.now()`. */
  async run(plan: readonly PlannedFault[], begun: number, interrupted: AbortSignal): Promise<void> {
    setMaxListeners(0, interrupted); // Every fault that is to come listens to it.
    await Promise.all(
      plan.map(async (planned) => {
        try {
          await sleep(Math.max(0, begun + planned.atMs - performance.now()), undefined, { signal: interrupted });
        } catch {
          return; // Interrupted before its time.
        }
        await this.#inject(planned, begun);
      }),
    );
    this.done.sort((a, b) => a.number - b.number);
  }

  async #inject(planned: PlannedFault, begun: number): Promise<void> {
    await this.#target.ready(planned);
    const fromMs = performance.now() - begun;
    const at = Date.now();
    let text = describeFault(planned);
    let failed: string | undefined;
    try {
      text += await this.#target.hit(planned);
    } catch (error) {
      failed = errorMessage(error);
    }
    const { number, fault } = planned;
    const done = {
      ...{ number, action: fault.do, what: fault.what, text, at },
      ...{ fromMs, toMs: performance.now() - begun, failed },
    };
    this.done.push(done);
    this.#onFault(done);
  }
}
