import type { StatewattClient } from '../actors/client/client.js';
import { StatewattError } from '../errors/error.js';

/** A site that has just been broken in another way may not answer at once, and what was seen may be gone. */
const WITHIN_MS = 5_000;
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
  for (const end = performance.now() + WITHIN_MS; ; await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))) {
    const ref = await someActor(client, kind, pick).catch((error: unknown) => {
      if (!(error instanceof StatewattError && error.retryable) || performance.now() > end) throw error;
      return undefined;
    });
    if (ref === undefined) continue;
    try {
      await client.killActor(ref);
      return ` (${ref})`;
    } catch (error) {
      // It has crashed, moved or gone out of memory since it was seen: another one, then.
      const isGone = error instanceof StatewattError && error.code === 'actors.not_found';
      if (!isGone || performance.now() > end) throw error;
    }
  }
}

async function someActor(client: StatewattClient, kind: string | undefined, pick: number): Promise<string> {
  const found = (await client.actors()).filter((actor) => kind === undefined || actor.kind === kind);
  const ref = found.map((actor) => actor.ref).sort()[Math.floor(pick * found.length)];
  if (ref === undefined)
    throw new StatewattError('chaos.no_target', 'not_found', `no actor of kind ${kind ?? 'any'} is active`);
  return ref;
}
