import type { Meaning, PointScope } from '../expressions/points.js';
import { formatModelAddress } from './address.js';
import type { Model, ModelPoint } from './model.js';
import { firstChannel, storedId, type ChannelOfModel } from './stored-address.js';

/**
 * What a point of a model means in an expression: the channel point that it stands for, in the model's units; how it is
 * computed; or the value that it holds. Undefined when the model has no such point.
 *
 * @param channelOf the numbers of models; default: the first that each may have, which does where nothing is read
 */
export function meaningOf(model: Model, name: string, channelOf: ChannelOfModel = firstChannel): Meaning | undefined {
  const point = model.points.find((each) => each.name === name);
  return point && meaningOfPoint(model, point, channelOf);
}

function meaningOfPoint(model: Model, point: ModelPoint, channelOf: ChannelOfModel): Meaning {
  const { name, kind, text, route, expression, min, max } = point;
  const about = { kind, text, ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) };
  if (route !== undefined) {
    const { scale, offset, ...address } = route;
    return { type: 'point', point: address, scale, offset, ...about };
  }
  if (expression !== undefined)
    return { type: 'formula', source: expression, scope: () => scopeOf(model, channelOf), ...about };
  const address = { model: model.definition.id, point: name };
  const id = storedId(address);
  const read = { channel: channelOf(address.model), kind, id, name: formatModelAddress(address) };
  return { type: 'point', point: read, scale: 1, offset: 0, ...about };
}

/** The names that the formulas of a model know. */
function scopeOf(model: Model, channelOf: ChannelOfModel): PointScope {
  return {
    find: () => undefined,
    alias: () => undefined,
    meaning: (name) => meaningOf(model, name, channelOf),
    allowed: () => 'the names of the model’s points',
  };
}
