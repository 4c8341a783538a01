import { createHash } from 'node:crypto';
import { MAX_POINT_ID, type PointKind } from '../points.js';

/** A point of a model, by names. */
export interface ModelAddress {
  readonly model: string;
  readonly point: string;
}

/**
 * Channels from here on are no channels: each stands for a model, so that what models hold and compute travels, and is
 * stored, as what channels read. Configured channels have lower numbers.
 */
export const FIRST_MODEL_CHANNEL = 4_000_000_000;
const MODEL_CHANNELS = 0x1_0000_0000 - FIRST_MODEL_CHANNEL;

const ADDRESS = /^model:([A-Za-z0-9_-]{1,64}):([A-Za-z][A-Za-z0-9_]{0,63})$/;

/** Parses `model:<id>:<point>`; undefined when it is none. */
export function parseModelAddress(text: string): ModelAddress | undefined {
  const match = ADDRESS.exec(text);
  return match === null ? undefined : { model: match[1] as string, point: match[2] as string };
}

export function formatModelAddress({ model, point }: ModelAddress): string {
  return `model:${model}:${point}`;
}

/** Whether a channel's number stands for a model. */
export function isModelChannel(channel: number): boolean {
  return channel >= FIRST_MODEL_CHANNEL;
}

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
