import type { DeadEffect, DeadLetter, EventBody } from '../../../bus/messages.js';
import { newTraceparent } from '../../../bus/headers.js';
import type { Ref } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import { spanning, traceparentOf } from '../../../telemetry/spans.js';
import { effectSpan } from '../spans.js';
import type { DurableEffect } from './effect.js';

/** Queues a command with an id to an actor. */
export type Tell = (to: Ref, command: EventBody, commandId: string, traceparent: string) => Promise<void>;

/**
 * Runs an effect from the dead letters once, under its old key; no repetition, no parking.
 *
 * @throws what the effect throws; `effects.timeout`
 */
export async function rerunEffect(
  effect: DurableEffect<unknown>,
  ref: Ref,
  letter: DeadLetter,
  { key, params, type }: DeadEffect,
  tell: Tell,
): Promise<void> {
  const { timeoutMs } = effect.policy;
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new StatewattError('effects.timeout', 'timeout', `${key} did not end within ${timeoutMs} ms`);
      abort.abort(error);
      reject(error);
    }, timeoutMs);
  });
  const parent = letter.traceparent ?? newTraceparent();
  const span = effectSpan({ ref, type, key, attempt: 1 }, parent);
  const traceparent = traceparentOf(span) ?? parent;
  const run = (): Promise<void> =>
    effect.run({
      params,
      ref,
      key,
      seq: letter.seq,
      attempt: 1,
      signal: abort.signal,
      traceparent,
      tell: (to, command) => tell(to, command, key, traceparent),
    });
  try {
    await spanning(span, () => Promise.race([run(), late]));
  } finally {
    clearTimeout(timer);
  }
}
