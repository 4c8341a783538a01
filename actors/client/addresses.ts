import Type from 'typebox';
import { StatewattError } from '../../errors/error.js';
import { formatModelAddress, parseModelAddress, type ModelAddress } from '../../site/models/address.js';
import { formatPointAddress, parsePointAddress, type PointAddress } from '../../site/points.js';
import type { StatewattClient } from './client.js';
import type { PointView, WriteReply, WriteRequest } from './schemas.js';

/** A point as callers name it: one of a channel, or one of a model. */
export type AnyPoint = PointAddress | ModelAddress;

export const AddressSchema = Type.String({
  description: '`<channel>:<kind>:<id>`, with or without the prefix `comsrv:`, or `model:<id>:<point>`',
  examples: ['comsrv:1001:T:1', 'model:roof:power'],
});

/** What an address may be, in words. */
export const ALLOWED_ADDRESSES =
  '<channel>:<kind>:<id> with kind T, S, C or A, as comsrv:1001:T:1, or model:<id>:<point>';

/** The point that an address names; undefined when it is none. */
export function parseAddress(text: string): AnyPoint | undefined {
  const ofModel = parseModelAddress(text);
  if (ofModel !== undefined) return ofModel;
  const address = parsePointAddress(text);
  return address !== undefined && address.channel > 0 ? address : undefined;
}

/** As `parseAddress`. @throws `points.invalid_address` */
export function toAddress(text: string): AnyPoint {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  const found = text.slice(0, 100);
  throw new StatewattError(
    'points.invalid_address',
    'invalid',
    `"${found}" is no point address; allowed: ${ALLOWED_ADDRESSES}.`,
    { details: { found, allowed: ['comsrv:<channel>:<T|S|C|A>:<id>', 'model:<id>:<point>'] } },
  );
}

/** Addresses with commas between them. @throws `points.invalid_address` */
export function toAddresses(text: string): AnyPoint[] {
  return text.split(',').map((each) => toAddress(each.trim()));
}

/** In text, with the prefix. */
export function formatAddress(point: AnyPoint): string {
  return isOfModel(point) ? formatModelAddress(point) : formatPointAddress(point);
}

export function isOfModel<T extends object>(point: T): point is T & ModelAddress {
  return 'model' in point;
}

/** A point with its newest value. @throws what `point` and `modelPoint` throw */
export function readAny(client: StatewattClient, point: AnyPoint): Promise<PointView> {
  if (!isOfModel(point)) return client.point(point.channel, point.kind, point.id);
  return client.modelPoint(point.model, point.point);
}

/** Past values of a point, page by page. */
export function historyOfAny(
  client: StatewattClient,
  point: AnyPoint,
  range: Omit<Parameters<StatewattClient['history']>[0], 'channel' | 'kind' | 'id'>,
) {
  return isOfModel(point) ? client.modelHistory({ ...point, ...range }) : client.history({ ...point, ...range });
}

/** @throws `points.not_writable` and what `write` and `writeModel` throw */
export function writeAny(
  client: StatewattClient,
  point: AnyPoint,
  address: string,
  request: Omit<WriteRequest, 'channel' | 'kind' | 'id'>,
): Promise<WriteReply> {
  if (isOfModel(point)) return client.writeModel({ ...point, ...request });
  const { channel, kind, id } = point;
  if (kind === 'C' || kind === 'A') return client.write({ channel, kind, id, ...request });
  throw new StatewattError(
    'points.not_writable',
    'invalid',
    `${address} is of kind ${kind}; only points of the kinds C and A can be written.`,
    { details: { found: kind, allowed: ['C', 'A'] } },
  );
}
