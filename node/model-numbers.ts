import { ModelNumbers } from '../actors/models/numbers.js';
import { knownActors } from '../actors/runtime/known-actors.js';
import type { Bus } from '../bus/connection.js';
import type { SiteHolder } from './site-holder.js';

/**
 * The numbers of models, which the holder knows from now on. Models that were there before those that a new site file adds
 * have the first claim: what is stored of them stays theirs.
 *
 * @throws `bus.unavailable`
 */
export async function modelNumbers(bus: Bus, holder: SiteHolder): Promise<ModelNumbers> {
  const numbers = await ModelNumbers.open(bus);
  const ofSite = holder.site.models.map(({ definition }) => definition.id);
  await numbers.claimAll([...(await knownActors(bus, 'model')), ...ofSite]);
  holder.useNumbers((model) => numbers.of(model));
  return numbers;
}
