import type { TimerService } from '../../actors/runtime/timers/scheduler.js';
import type { TimerRecord } from '../../bus/messages.js';
import { formatRef, type Ref } from '../../bus/subjects.js';

/** Timers kept in memory, which a test can hold up; they fire when the test says so. */
export class MemoryTimers implements TimerService {
  /** What was asked of it: `set kind/id@key`, `cancel kind/id@key`. */
  readonly log: string[] = [];
  readonly kept = new Map<string, TimerRecord>();
  #gate: Promise<void> = Promise.resolve();

  /** Calls wait until the answered function is called. */
  hold(): () => void {
    let open = (): void => undefined;
    this.#gate = new Promise((resolve) => {
      open = resolve;
    });
    return () => open();
  }

  async set(ref: Ref, timer: TimerRecord): Promise<void> {
    const name = `${formatRef(ref)}@${timer.key}`;
    this.log.push(`set ${name}`);
    await this.#gate;
    this.kept.set(name, timer);
  }

  async cancel(ref: Ref, key: string): Promise<void> {
    const name = `${formatRef(ref)}@${key}`;
    await this.#gate;
    this.log.push(`cancel ${name}`);
    this.kept.delete(name);
  }
}
