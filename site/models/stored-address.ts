import { createHash } from 'node:crypto';
import { MAX_POINT_ID, type PointKind } from '../points.js';
import { FIRST_MODEL_CHANNEL, type ModelAddress } from './address.js';

const MODEL_CHANNELS = 0x1_0000_0000 - FIRST_MODEL_CHANNEL;

/** The number that stands for a model, for ever and on every node: it follows from its id. */
export function modelChannel(model: string): number {
  return FIRST_MODEL_CHANNEL + (digest(model).readUInt32BE(0) % MODEL_CHANNELS);
}

/**
 * The address under which a model's point is stored that stands for no channel's. Of 100,000 points two have the same
 * one with a probability of one in ten million: both numbers follow from the names.
 */
export function storedAddress({ model, point }: ModelAddress, kind: PointKind) {
  const id = 1 + (digest(`${model}:${point}`).readUInt32BE(0) % MAX_POINT_ID);
  return { channel: modelChannel(model), kind, id } as const;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
