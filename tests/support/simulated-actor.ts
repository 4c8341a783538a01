import {
  initialTransition,
  transition,
  type AnyStateMachine,
  type EventFromLogic,
  type InputFrom,
  type SnapshotFrom,
} from 'xstate';

interface Timer {
  readonly id: string;
  readonly due: number;
  readonly event: object;
}

/** One action that the machine leaves to its effects. */
export interface SeenEffect {
  readonly type: string;
  readonly params: unknown;
}

/**
 * A state chart run as the runtime runs it, by pure transitions with `at` in every event, its delays on a clock that the
 * test moves.
 */
export class SimulatedActor<M extends AnyStateMachine> {
  readonly effects: SeenEffect[] = [];
  snapshot: SnapshotFrom<M>;
  now: number;
  readonly #machine: M;
  #timers: Timer[] = [];

  constructor(machine: M, input: InputFrom<M>, now = 1_000) {
    this.#machine = machine;
    this.now = now;
    const [snapshot, actions] = initialTransition(machine, input);
    this.snapshot = snapshot;
    this.#keepTimers(actions);
  }

  /** Delays that have not passed. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Whether anything changed. */
  send(event: EventFromLogic<M> extends infer E ? (E extends { at: number } ? Omit<E, 'at'> : E) : never): boolean {
    return this.#take(event as object);
  }

  /** Moves the clock on; delays that pass fire in order, each at its own time. */
  wait(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const next = this.#timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.now = Math.max(this.now, next.due);
      this.#take(next.event);
    }
    this.now = end;
  }

  #take(event: object): boolean {
    const before = this.snapshot;
    const [after, actions] = transition(this.#machine, before, { ...event, at: this.now } as never);
    const told = this.effects.length;
    this.snapshot = after;
    this.#keepTimers(actions);
    for (const { type, params } of actions) if (!type.startsWith('xstate.')) this.effects.push({ type, params });
    return this.snapshot !== before || this.effects.length > told;
  }

  #keepTimers(actions: readonly { type: string; params?: unknown }[]): void {
    for (const { type, params } of actions) {
      const { id, sendId, delay, event } = (params ?? {}) as Partial<Timer> & { sendId?: string; delay?: number };
      if (type === 'xstate.cancel') this.#timers = this.#timers.filter((timer) => timer.id !== sendId);
      if (type !== 'xstate.raise' || delay === undefined) continue;
      this.#timers = this.#timers.filter((timer) => timer.id !== id);
      this.#timers.push({ id: id as string, due: this.now + delay, event: event as object });
    }
  }
}
