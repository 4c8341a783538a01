import type { StatewattClient } from '../actors/client/client.js';
import { StatewattError } from '../errors/error.js';

/** A site that has just been broken in another way may not answer at once, and what was seen may be gone. */
const WITHIN_MS = 5_000;
const AGAIN_MS = 200;

/**
 * Crashes one of the actors that are active, and that its supervisor would start again: one that crashes too often within
 * its window is given up, as it must be, and then the site waits for an operator.
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
  const [actors, supervisors] = await Promise.all([client.actors(), client.supervisors()]);
  const budgets = supervisors.flatMap((supervisor) => supervisor.budgets);
  const spent = new Set(
    budgets.filter(({ of, crashes, intensity }) => of === 'self' && crashes >= intensity).map(({ ref }) => ref),
  );
  const active = actors.filter((actor) => kind === undefined || actor.kind === kind);
  const found = active.filter(({ ref, state }) => state !== 'failed' && !spent.has(ref));
  const ref = found.map((actor) => actor.ref).sort()[Math.floor(pick * found.length)];
  if (ref !== undefined) return ref;
  const why = active.length === 0 ? 'is active' : 'would be started again: each has crashed as often as it may';
  throw new StatewattError('chaos.no_target', 'not_found', `no actor of kind ${kind ?? 'any'} ${why}`);
}
