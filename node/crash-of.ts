import type { ActorState } from '../actors/runtime/host.js';
import { StatewattError } from '../errors/error.js';

/** What is to be known of an actor to say how it does. */
export type ViewedActor = Pick<ActorState, 'state' | 'chartState' | 'live' | 'lastError'>;

/** Why an actor is not at work: it has crashed and waits for its restart, or was given up. Null while it is. */
export function crashOf({ state, lastError }: Pick<ActorState, 'state' | 'lastError'>): string | null {
  return state === 'failed' || state === 'starting' ? lastError : null;
}

/**
 * That it is there, but what it is cannot be said.
 *
 * @throws `actors.failed` when the actor could never be read from its journal
 */
export function refuseUnread({ ref, context, lastError }: Pick<ActorState, 'ref' | 'context' | 'lastError'>): void {
  if (context !== undefined) return;
  const why = lastError === null ? 'it is being read from its journal' : lastError;
  throw new StatewattError('actors.failed', 'unavailable', `${ref} cannot be shown: ${why}`, { retryAfterMs: 1_000 });
}
