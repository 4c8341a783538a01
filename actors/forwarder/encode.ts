import { StatewattError } from '../../errors/error.js';
import type { Payload } from '../../site/forwarding/forwarder.js';
import type { Selection } from '../../site/forwarding/selection.js';
import type { Batch, Item } from './batch.js';

/** One message as it goes out. */
export interface Message {
  /** Topic or subject; empty where there is none. */
  readonly destination: string;
  readonly body: string;
  /** For receivers that know what they have had. */
  readonly id: string;
}

export const CONTENT_TYPES: Readonly<Record<Payload, string>> = {
  point: 'application/json',
  value: 'text/plain',
  batch: 'application/json',
};

/** The messages of a batch, in order. */
export function* messagesOf(batch: Batch, payload: Payload, selection: Selection): Generator<Message> {
  if (payload === 'batch') {
    yield { destination: selection.destination, body: batchBody(batch, selection.site), id: batch.token };
    return;
  }
  for (const item of batch.items) {
    const body = payload === 'value' ? String(item.value ?? '') : pointBody(item, selection.site);
    yield { destination: item.point.destination, body, id: item.id };
  }
}

/** JSON: `{ id, site, points: [{ id, channel, kind, point, name, unit, value, quality, time }] }`. */
export function batchBody({ token, items }: Batch, site: string): string {
  return JSON.stringify({ id: token, site, points: items.map(plain) });
}

/** JSON of one reading, with the site’s name. */
function pointBody(item: Item, site: string): string {
  return JSON.stringify({ site, ...plain(item) });
}

function plain({ id, point, value, quality, time }: Item) {
  const { channel, kind, id: pointId, name, unit } = point;
  return { id, channel, kind, point: pointId, name, unit, value, quality, time };
}

/** The target will never take this batch: an operator decides what becomes of it. */
export function refused(message: string, cause?: unknown): StatewattError {
  return new StatewattError('forward.refused', 'invalid', message, cause === undefined ? {} : { cause });
}

/** The target does not take it now. */
export function unreachable(message: string, options: { cause?: unknown; retryAfterMs?: number } = {}): StatewattError {
  return new StatewattError('forward.unreachable', 'unavailable', message, options);
}
