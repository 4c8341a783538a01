import type { StatewattClient } from '../actors/client/client.js';
import { StatewattError } from '../errors/error.js';

/**
 * Crashes one of the actors that are active.
 *
 * @param kind only of this kind
 * @param pick in [0, 1): which of them
 * @returns which, to be added to the fault's text
 * @throws `chaos.no_target`, and what the site answers
 */
export async function killSomeActor(client: StatewattClient, kind: string | undefined, pick: number): Promise<string> {
  const found = (await client.actors()).filter((actor) => kind === undefined || actor.kind === kind);
  const ref = found.map((actor) => actor.ref).sort()[Math.floor(pick * found.length)];
  if (ref === undefined)
    throw new StatewattError('chaos.no_target', 'not_found', `no actor of kind ${kind ?? 'any'} is active`);
  await client.killActor(ref);
  return ` (${ref})`;
}
