import type { PointsPage, PointsQuery, PointView } from '../actors/client/schemas.js';
import { StatewattError } from '../errors/error.js';
import type { ChannelConfig, Site } from '../site/model.js';
import { formatPointAddress, parsePointAddress, pointKey, type PointDefinition } from '../site/points.js';

const DEFAULT_LIMIT = 1_000;

/** What of a point is asked for. */
type Asked = Pick<PointDefinition, 'kind' | 'id' | 'name'>;

/** A place in the order of all points: after this one. */
interface Cursor {
  readonly channel: number;
  readonly key: number;
}

/**
 * One page of the site's points, ascending by channel, kind, id. The cursor is the address of the last one given, so
 * pages stay right while the site changes between them.
 *
 * @param read all points of a channel, in the order of its configuration
 * @throws `points.invalid_cursor`
 */
export async function listPoints(
  site: Site,
  query: PointsQuery,
  read: (config: ChannelConfig) => Promise<PointView[]>,
): Promise<PointsPage> {
  const limit = query.limit ?? DEFAULT_LIMIT;
  const after = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  const name = query.name?.toLowerCase();
  const points: PointView[] = [];
  for (const config of site.channels) {
    if (query.channel !== undefined && config.id !== query.channel) continue;
    const isWanted = (point: Asked): boolean =>
      (after === undefined || isAfter(config.id, point, after)) &&
      (query.kind === undefined || point.kind === query.kind) &&
      (query.id === undefined || point.id === query.id) &&
      (name === undefined || point.name.toLowerCase().includes(name));
    // Reading may be a way to another machine, so only channels that have something for the answer are read.
    if (!config.points.some(isWanted)) continue;
    if (points.length === limit) return cut(points);
    for (const view of await read(config)) {
      if (!isWanted(view)) continue;
      if (points.length === limit) return cut(points);
      points.push(view);
    }
  }
  return { points, nextCursor: null };
}

/** A full page that more points follow. */
function cut(points: PointView[]): PointsPage {
  return { points, nextCursor: formatPointAddress(points[points.length - 1] as PointView) };
}

function isAfter(channel: number, { kind, id }: Asked, after: Cursor): boolean {
  return channel > after.channel || (channel === after.channel && pointKey(kind, id) > after.key);
}

function parseCursor(cursor: string): Cursor {
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
