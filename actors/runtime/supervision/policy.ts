import type { FamilyRecord } from '../../../bus/messages.js';
import { StatewattError } from '../../../errors/error.js';
import type { RestartPolicy } from '../kind.js';

/**
 * Which of its children a parent starts again when one crashes, as in Erlang/OTP: that one; all of them; that one and
 * those that were started after it.
 */
export type Strategy = 'one-for-one' | 'one-for-all' | 'rest-for-one';

/** How a kind supervises its children. Intensity and window count the crashes of all of them together. */
export interface Supervision extends RestartPolicy {
  readonly strategy: Strategy;
}

/** What `supervise: {}` means. */
export const DEFAULT_SUPERVISION: Supervision = {
  strategy: 'one-for-one',
  intensity: 5,
  windowMs: 60_000,
  backoffMs: { initial: 100, max: 10_000 },
};

/** So many crashes of its children an actor remembers. */
export const REMEMBERED_CRASHES = 100;
/** So many children an actor may have: a restart of all of them is one journal entry. */
export const MAX_CHILDREN = 1_000;

/** What to do about a crash. */
export type Verdict = { readonly restart: true; readonly delayMs: number } | { readonly restart: false };

/**
 * Restart intensity and backoff, after Erlang/OTP's supervisors: so many crashes within a window are answered by a
 * restart, each later than the one before; one more, and it is given up. The delay is between half and the whole of the
 * exponential step, so that many do not come at once.
 *
 * @param crashes times of the crashes before this one, ms
 * @param random in [0, 1)
 */
export function weigh(
  { intensity, windowMs, backoffMs }: RestartPolicy,
  crashes: readonly number[],
  now: number,
  random: number,
): Verdict {
  const count = crashes.filter((at) => now - at < windowMs).length + 1;
  if (count > intensity) return { restart: false };
  const step = Math.min(backoffMs.max, backoffMs.initial * 2 ** (count - 1));
  return { restart: true, delayMs: step * (0.5 + random / 2) };
}

/** Refs of the children that a crash of `crashed` starts again, in the order of their start. Halted ones stay halted. */
export function affected(strategy: Strategy, { children }: Pick<FamilyRecord, 'children'>, crashed: string): string[] {
  const place = children.findIndex(({ ref }) => ref === crashed);
  if (place < 0) return [];
  return children
    .filter(({ ref, down }, index) => {
      if (ref === crashed) return true;
      if (down || strategy === 'one-for-one') return false;
      return strategy === 'one-for-all' || index > place;
    })
    .map(({ ref }) => ref);
}

/** Fills in what a kind leaves out. @throws `kind.invalid_supervision` */
export function completeSupervision(kind: string, given: Partial<Supervision>): Supervision {
  const whole = { ...DEFAULT_SUPERVISION, ...given };
  const { strategy, intensity, windowMs, backoffMs } = whole;
  const right =
    ['one-for-one', 'one-for-all', 'rest-for-one'].includes(strategy) &&
    Number.isInteger(intensity) &&
    intensity >= 0 &&
    intensity < REMEMBERED_CRASHES &&
    windowMs > 0 &&
    backoffMs.initial >= 0 &&
    backoffMs.max >= backoffMs.initial;
  if (right) return whole;
  throw new StatewattError(
    'kind.invalid_supervision',
    'invalid',
    `kind "${kind}": supervise is ${JSON.stringify(given)}; allowed: strategy one-for-one, one-for-all or rest-for-one, ` +
      `intensity 0 to ${REMEMBERED_CRASHES - 1}, windowMs > 0, 0 ≤ backoffMs.initial ≤ backoffMs.max`,
  );
}
