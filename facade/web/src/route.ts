import { POINT_KINDS, type PointKind } from '../../../site/points.js';

/** What the page shows, kept in the address so that it can be linked to and survives a reload. */
export interface Route {
  channel: number | undefined;
  point: { kind: PointKind; id: number } | undefined;
}

/** Reads `#/1001/T:1`, `#/1001` or nothing; what makes no sense is left out. */
export function parseRoute(hash: string): Route {
  const match = /^#\/(\d{1,10})(?:\/([A-Z]):(\d{1,10}))?$/.exec(hash);
  if (match === null) return { channel: undefined, point: undefined };
  const kind = POINT_KINDS.find((known) => known === match[2]);
  return {
    channel: Number(match[1]),
    point: kind === undefined ? undefined : { kind, id: Number(match[3]) },
  };
}

export function formatRoute({ channel, point }: Route): string {
  if (channel === undefined) return '#/';
  return point === undefined ? `#/${channel}` : `#/${channel}/${point.kind}:${point.id}`;
}
