import { createHash } from 'node:crypto';
import { MAX_POINT_ID, pointKey } from '../points.js';
import { FIRST_MODEL_CHANNEL, type ModelAddress } from './address.js';
import type { Model, ModelPoint } from './model.js';

const MODEL_CHANNELS = 0x1_0000_0000 - FIRST_MODEL_CHANNEL;

/** The number that stands for a model; see `firstChannel` and actors/models/numbers.ts. */
export type ChannelOfModel = (model: string) => number;

/** The number that a model has unless another model of the site had it before: it follows from its id. */
export function firstChannel(model: string): number {
  return FIRST_MODEL_CHANNEL + (digest(model).readUInt32BE(0) % MODEL_CHANNELS);
}

/** The number that is tried when another model has this one. */
export function nextChannel(channel: number): number {
  return FIRST_MODEL_CHANNEL + ((channel + 1 - FIRST_MODEL_CHANNEL) % MODEL_CHANNELS);
}

/**
 * The id under which a model's point is stored that stands for no channel's: it follows from the names, so that it stays
 * whatever else the model has. Two points of one kind with the same one cannot be in one model (`findClash`).
 */
export function storedId({ model, point }: ModelAddress): number {
  return 1 + (digest(`${model}:${point}`).readUInt32BE(0) % MAX_POINT_ID);
}

/** Two points of a model that would be stored under one address; undefined: there are none. */
export function findClash({ definition, points }: Pick<Model, 'definition' | 'points'>) {
  const known = new Map<number, ModelPoint>();
  for (const point of points) {
    if (point.route !== undefined) continue;
    const key = pointKey(point.kind, storedId({ model: definition.id, point: point.name }));
    const other = known.get(key);
    if (other !== undefined) return [other.name, point.name] as const;
    known.set(key, point);
  }
  return undefined;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
