import type { StatewattClient } from '../actors/client/client.js';
import { StatewattError } from '../errors/error.js';

/** A site that has just been broken in another way may not answer at once. */
const ANSWERS_WITHIN_MS = 5_000;
const AGAIN_MS = 200;

/**
 * Crashes one of the actors that are active.
 *
 * @param kind only of this kind
 * @param pick in [0, 1): which of them
 * @returns which, to be added to the fault's text
 * @throws `chaos.no_target`, and what the site answers
 */
export async function killSomeActor(client: StatewattClient, kind: string | undefined, pick: number): Promise<string> {
  const found = (await activeActors(client)).filter((actor) => kind === undefined || actor.kind === kind);
  const ref = found.map((actor) => actor.ref).sort()[Math.floor(pick * found.length)];
  if (ref === undefined)
    throw new StatewattError('chaos.no_target', 'not_found', `no actor of kind ${kind ?? 'any'} is active`);
  await client.killActor(ref);
  return ` (${ref})`;
}

async function activeActors(client: StatewattClient): ReturnType<StatewattClient['actors']> {
  for (const end = performance.now() + ANSWERS_WITHIN_MS; ;) {
    try {
      return await client.actors();
    } catch (error) {
      if (!(error instanceof StatewattError && error.retryable) || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
