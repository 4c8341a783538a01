import type { EffectRecord, EventBody } from '../../../bus/messages.js';
import { StatewattError } from '../../../errors/error.js';

/**
 * Types of the journal's records of timers. XState keeps names with this prefix for itself, so no action of a kind can
 * be called the same.
 */
export const SET_TIMER = 'xstate.raise';
export const CANCEL_TIMER = 'xstate.cancel';

/** Params of a SET_TIMER record. */
export interface SetTimer {
  /** What a cancel names it by; null: nothing cancels it. */
  readonly id: string | null;
  /** What the machine gets when it fires. */
  readonly event: EventBody;
  /** Ms after the entry's `at`. */
  readonly delayMs: number;
}

/** Params of a CANCEL_TIMER record. */
export interface CancelTimer {
  readonly id: string;
}

/** Whether a step orders any. */
export function setsTimers({ effects }: { readonly effects: readonly EffectRecord[] }): boolean {
  return effects.some(({ type }) => type === SET_TIMER);
}

/** Timers may be set for up to a hundred years; beyond that it is a mistake. */
const MAX_DELAY_MS = 100 * 366 * 86_400_000;

/** What XState's pure functions give for an action. */
interface Action {
  readonly type: string;
  readonly params?: unknown;
  readonly info: { readonly self: unknown };
}

/**
 * What one of XState's own actions means for an actor's timers: a record for the journal, or undefined for an event that
 * XState has raised and taken within the step already.
 *
 * @throws `kind.unsupported` for an action that would live in the process only, `kind.bad_delay`
 */
export function timerRecord(kind: string, action: Action): EffectRecord | undefined {
  const params = (action.params ?? {}) as Readonly<Record<string, unknown>>;
  if (action.type === CANCEL_TIMER) {
    return { type: CANCEL_TIMER, params: { id: String(params.sendId) } satisfies CancelTimer };
  }
  const delayed = params.delay !== undefined;
  if (action.type === 'xstate.raise' && !delayed) return undefined;
  if (action.type === 'xstate.raise' || (action.type === 'xstate.sendTo' && delayed && toSelf(action, params.to))) {
    const timer: SetTimer = {
      id: typeof params.id === 'string' ? params.id : null,
      event: params.event as EventBody,
      delayMs: checkedDelay(kind, params.delay),
    };
    // As a replay of the journal will show it: JSON.
    return { type: SET_TIMER, params: JSON.parse(JSON.stringify(timer)) as SetTimer };
  }
  throw new StatewattError('kind.unsupported', 'internal', `kind "${kind}": action ${action.type} is not durable`);
}

function toSelf(action: Action, to: unknown): boolean {
  return to === action.info.self;
}

function checkedDelay(kind: string, delay: unknown): number {
  if (typeof delay === 'number' && delay <= MAX_DELAY_MS) return Math.max(0, delay);
  throw new StatewattError(
    'kind.bad_delay',
    'internal',
    `kind "${kind}": a delay of ${String(delay)} ms; it may be 0 to ${MAX_DELAY_MS}`,
  );
}
