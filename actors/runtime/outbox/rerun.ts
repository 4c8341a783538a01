import type { DeadEffect, DeadLetter, EventBody } from '../../../bus/messages.js';
import { newTraceparent } from '../../../bus/headers.js';
import type { Ref } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';
import type { DurableEffect } from './effect.js';

/** Queues a command with an id to an actor. */
export type Tell = (to: Ref, command: EventBody, commandId: string) => Promise<void>;

/**
 * Runs an effect from the dead letters once, under its old key; no repetition, no parking.
 *
 * @throws what the effect throws; `effects.timeout`
 */
export async function rerunEffect(
  effect: DurableEffect<unknown>,
  ref: Ref,
  letter: DeadLetter,
  { key, params }: DeadEffect,
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
  try {
    const run = effect.run({
      params,
      ref,
      key,
      seq: letter.seq,
      attempt: 1,
      signal: abort.signal,
      traceparent: letter.traceparent ?? newTraceparent(),
      tell: (to, command) => tell(to, command, key),
    });
    await Promise.race([run, late]);
  } finally {
    clearTimeout(timer);
  }
}
