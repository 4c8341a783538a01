import type { ModelHistoryPage, ModelHistoryQuery } from '../actors/client/model-data.js';
import type { SeriesPoint } from '../actors/client/archive-schemas.js';
import type { HistoryPage, HistoryQuery, HistoryRow } from '../actors/client/schemas.js';
import type { ModelAddress } from '../site/models/address.js';
import { storedId } from '../site/models/stored-address.js';
import { fromChannel, type ModelPoint, type Route } from '../site/models/model.js';
import { isState, type PointKind } from '../site/points.js';

/**
 * The history of a model's point: that of the channel point that it stands for, as the model sees it; or what the model
 * itself has held or computed.
 */
export async function modelHistory(
  point: ModelPoint,
  { model, point: name, ...range }: ModelHistoryQuery,
  channelOf: (model: string) => Promise<number>,
  query: (query: HistoryQuery) => Promise<HistoryPage>,
): Promise<ModelHistoryPage> {
  const { route } = point;
  const { channel, kind, id } = route ?? (await ownAddress({ model, point: name }, point.kind, channelOf));
  const { rows, resolution, from, to, nextCursor } = await query({ channel, kind, id, ...range });
  const seen = route === undefined ? rows : rows.map((row) => asSeen(row, point, route));
  return { model, point: name, resolution, from, to, rows: seen, nextCursor };
}

/** Where the values of a point are that stands for no channel's. */
async function ownAddress(
  address: ModelAddress,
  kind: PointKind,
  channelOf: (model: string) => Promise<number>,
): Promise<SeriesPoint> {
  return { channel: await channelOf(address.model), kind, id: storedId(address) };
}

/** A row of the channel's point as one of the model's. */
function asSeen(row: HistoryRow, point: ModelPoint, route: Route): HistoryRow {
  const own = (value: number): number => {
    const found = fromChannel(route, value);
    return isState(point.kind) && row.quality !== undefined ? Number(found !== 0) : found;
  };
  const seen: HistoryRow = { ...row };
  if (typeof row.value === 'number') seen.value = own(row.value);
  if (row.first !== undefined) seen.first = own(row.first);
  if (row.last !== undefined) seen.last = own(row.last);
  if (row.min !== undefined && row.max !== undefined) {
    const [a, b] = [own(row.min), own(row.max)];
    seen.min = Math.min(a, b); // A negative scale turns them round.
    seen.max = Math.max(a, b);
  }
  const { min = -Infinity, max = Infinity } = point;
  if (row.quality === 'good' && typeof seen.value === 'number' && (seen.value < min || seen.value > max))
    seen.quality = 'out-of-range';
  return seen;
}
