import type { ModelHistoryPage, ModelHistoryQuery } from '../actors/client/model-data.js';
import type { HistoryPage, HistoryQuery, HistoryRow } from '../actors/client/schemas.js';
import { fromChannel, type ModelPoint, type Route } from '../site/models/model.js';
import { isState } from '../site/points.js';
import type { StoredModelPoint } from './archive-points.js';

/**
 * The history of a model's point: that of the channel point that it stands for, as the model sees it; or what the model
 * itself has held or computed.
 */
export async function modelHistory(
  { point, stored }: StoredModelPoint,
  { model, point: name, ...range }: ModelHistoryQuery,
  query: (query: HistoryQuery) => Promise<HistoryPage>,
): Promise<ModelHistoryPage> {
  const { route } = point;
  const { rows, ...page } = await query({ ...stored, ...range });
  const seen = route === undefined ? rows : rows.map((row) => asSeen(row, point, route));
  return { ...page, model, point: name, rows: seen };
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
