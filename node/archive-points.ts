import type { AskedPoint, SeriesPage, SeriesPoint, SeriesQuery } from '../actors/client/archive-schemas.js';
import { isOfModel } from '../actors/client/addresses.js';
import { formatModelAddress, type ModelAddress } from '../site/models/address.js';
import { fromChannel, type ModelPoint, type Route } from '../site/models/model.js';
import type { SeenPoint } from '../protocols/clickhouse/types.js';

/** A point of a model, and where its values are stored. */
export interface StoredModelPoint {
  readonly point: ModelPoint;
  readonly stored: SeriesPoint;
}

/** A point that was asked for: where it is stored, and how a model sees it, if it is one of a model. */
export type KnownPoint = SeriesPoint | (SeriesPoint & { readonly address: ModelAddress; readonly point: ModelPoint });

type Row = SeriesPage['series'][number]['rows'][number];

/**
 * What is asked for, each with its place in history.
 *
 * @param ofModel finds a point of a model; it throws when there is none
 * @param check throws when there is no such point of a channel
 */
export function knownPoints(
  points: readonly AskedPoint[],
  check: (point: SeriesPoint) => void,
  ofModel: (address: ModelAddress) => Promise<StoredModelPoint>,
): Promise<KnownPoint[]> {
  return Promise.all(
    points.map(async (asked): Promise<KnownPoint> => {
      if (!isOfModel(asked)) {
        check(asked);
        return asked;
      }
      const { point, stored } = await ofModel(asked);
      return { ...stored, address: asked, point };
    }),
  );
}

/**
 * What the store is asked: an offset of the values is in their sum as often as they are counted, and a negative scale turns
 * least and greatest round.
 */
export function aggregatesFor(points: readonly KnownPoint[], aggregates: NonNullable<SeriesQuery['aggregates']>) {
  const wanted = new Set(aggregates);
  for (const known of points) {
    const { scale = 1, offset = 0 } = ('point' in known && known.point.route) || {};
    if (offset !== 0 && wanted.has('sum')) wanted.add('count');
    if (scale < 0 && (wanted.has('min') || wanted.has('max'))) wanted.add('min').add('max');
  }
  return [...wanted];
}

/** The rows of a point as they were asked for. */
export function seriesOf(known: KnownPoint, rows: readonly Row[], aggregates: SeriesPage['aggregates']) {
  const { channel, kind, id } = known;
  if (!('point' in known)) return { channel, kind, id, rows: rows.map((row) => seenRow(undefined, row, aggregates)) };
  const { address, point } = known;
  return { channel, kind, id, ...address, rows: rows.map((row) => seenRow(point.route, row, aggregates)) };
}

/** How a file names the point, and what it does with its values. */
export function seenOf(known: KnownPoint): SeriesPoint & { seen?: SeenPoint } {
  const { channel, kind, id } = known;
  if (!('point' in known)) return { channel, kind, id };
  const { route, min, max } = known.point;
  const seen: SeenPoint = {
    address: formatModelAddress(known.address),
    scale: route?.scale ?? 1,
    offset: route?.offset ?? 0,
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
  return { channel, kind, id, seen };
}

function seenRow(route: Route | undefined, row: Row, aggregates: SeriesPage['aggregates']): Row {
  const { time, filled } = row;
  const seen: Row = filled === undefined ? { time } : { time, filled };
  const turned = route !== undefined && route.scale < 0;
  for (const name of aggregates) {
    const source = !turned ? name : name === 'min' ? 'max' : name === 'max' ? 'min' : name;
    const value = row[source] ?? null;
    if (value === null || route === undefined || name === 'count') seen[name] = value;
    else if (name === 'sum') seen.sum = value * route.scale + route.offset * (row.count ?? 0);
    else seen[name] = fromChannel(route, value);
  }
  return seen;
}
