import { StatewattError } from '../errors/error.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import { isModelChannel } from '../site/models/address.js';
import { storedAddress } from '../site/models/stored-address.js';
import type { PointValue } from '../site/points.js';
import type { ModelService } from './model-service.js';
import type { SiteHolder } from './site-holder.js';

export interface NewestParts {
  readonly realtime: Pick<RealtimeStore, 'read'>;
  readonly holder: Pick<SiteHolder, 'modelOfChannel'>;
  /** undefined while the node is starting. */
  readonly models: () => Pick<ModelService, 'values'> | undefined;
}

/**
 * The newest values of a channel, or of what a model holds when the channel's number stands for one.
 *
 * @throws what the store throws; `models.not_found`, `models.starting`
 */
export async function readNewest(channel: number, parts: NewestParts): Promise<readonly PointValue[]> {
  if (!isModelChannel(channel)) return parts.realtime.read(channel);
  const id = parts.holder.modelOfChannel(channel)?.definition.id;
  if (id === undefined) return [];
  const models = parts.models();
  if (models === undefined) throw new StatewattError('models.starting', 'unavailable', 'the node is starting');
  const values = await models.values(id);
  if (values === undefined) return [];
  return values.model.points.flatMap(({ name, kind, route }, slot) =>
    route === undefined ? [{ ...storedAddress({ model: id, point: name }, kind), ...values.at(slot) }] : [],
  );
}
