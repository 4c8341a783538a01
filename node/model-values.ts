import { StatewattError, toStatewattError } from '../errors/error.js';
import type { ModelNumbers } from '../actors/models/numbers.js';
import type { RealtimeStore } from '../protocols/realtime/store.js';
import { isModelChannel } from '../site/models/address.js';
import { storedId } from '../site/models/stored-address.js';
import type { ChannelReading } from '../site/points.js';
import type { ModelService } from './model-service.js';

export interface NewestParts {
  readonly realtime: Pick<RealtimeStore, 'readChannel'>;
  readonly numbers: Pick<ModelNumbers, 'modelOf'>;
  /** undefined while the node is starting. */
  readonly models: () => Pick<ModelService, 'values'> | undefined;
}

/**
 * The newest values of a channel, or of what a model holds when the channel's number stands for one; of a model it is
 * not known which of its frames they are as of.
 *
 * @throws what the store throws; `models.starting`, `bus.unavailable`
 */
export async function readNewest(channel: number, parts: NewestParts): Promise<ChannelReading> {
  if (!isModelChannel(channel)) return parts.realtime.readChannel(channel);
  const id = await parts.numbers.modelOf(channel);
  if (id === undefined) return { points: [] };
  const models = parts.models();
  if (models === undefined) throw new StatewattError('models.starting', 'unavailable', 'the node is starting');
  const values = await models.values(id).catch(nothingOfNoModel);
  if (values === undefined) return { points: [] };
  const points = values.model.points.flatMap(({ name, kind, route }, slot) =>
    route === undefined ? [{ channel, kind, id: storedId({ model: id, point: name }), ...values.at(slot) }] : [],
  );
  return { points };
}

/** A model that was removed holds nothing. */
function nothingOfNoModel(thrown: unknown): undefined {
  if (toStatewattError(thrown).code !== 'models.not_found') throw thrown;
}
