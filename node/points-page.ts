import type { PointsPage, PointsQuery, PointView } from '../actors/client/schemas.js';
import { StatewattError } from '../errors/error.js';
import type { ChannelConfig, Site } from '../site/model.js';
import { formatPointAddress, parsePointAddress, pointKey } from '../site/points.js';

const DEFAULT_LIMIT = 1_000;

/** One page of the site's points, ascending by channel, kind, id. The cursor is the address of the last one given. */
export async function listPoints(
  site: Site,
  query: PointsQuery,
  read: (config: ChannelConfig) => Promise<PointView[]>,
): Promise<PointsPage> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  const points: PointView[] = [];
  for (const config of site.channels) {
    if (query.channel !== undefined && config.id !== query.channel) continue;
    if (after !== undefined && config.id < after.channel) continue;
    for (const view of await read(config)) {
      if (after !== undefined && !isAfter(view, after)) continue;
      if (!matches(view, query)) continue;
      if (points.length === limit) {
        return { points, nextCursor: formatPointAddress(points[points.length - 1] as PointView) };
      }
      points.push(view);
    }
  }
  return { points, nextCursor: null };
}

function matches(view: PointView, query: PointsQuery): boolean {
  return (
    (query.kind === undefined || view.kind === query.kind) &&
    (query.id === undefined || view.id === query.id) &&
    (query.name === undefined || view.name.toLowerCase().includes(query.name.toLowerCase()))
  );
}

function isAfter(view: PointView, after: { channel: number; key: number }): boolean {
  return view.channel > after.channel || pointKey(view.kind, view.id) > after.key;
}

function parseCursor(cursor: string): { channel: number; key: number } {
  const address = parsePointAddress(cursor);
  if (address === undefined) {
    throw new StatewattError(
      'points.invalid_cursor',
      'invalid',
      `"${cursor}" is no cursor; pass on the nextCursor of the page before`,
    );
  }
  return { channel: address.channel, key: pointKey(address.kind, address.id) };
}
