import { ACCOUNT_KINDS } from '../../../site/minting/ledger.js';
import { POINT_KINDS, type PointKind } from '../../../site/points.js';

/** What the page shows, kept in the address so that it can be linked to and survives a reload. */
export type Route =
  | { page: 'channels'; channel: number | undefined; point: { kind: PointKind; id: number } | undefined }
  | { page: 'alarms' | 'rules'; id: string | undefined }
  | { page: 'models'; id: string | undefined; point: string | undefined }
  | TokensRoute;

/** Accounts or mint batches, one of them, and a reading. */
export interface TokensRoute {
  page: 'tokens';
  by: TokensView;
  id: string | undefined;
  reading: { meter: string; sequence: number } | undefined;
}
export const TOKENS_VIEWS = [...ACCOUNT_KINDS, 'batch'] as const;
export type TokensView = (typeof TOKENS_VIEWS)[number];

export type PageName = Route['page'];

const NO_CHANNEL = { page: 'channels', channel: undefined, point: undefined } as const;

/** Reads `#/1001/T:1`, `#/alarms/a1`, `#/models/roof/power`, `#/tokens/user/anna/METER_1/42` …; what makes no sense is left out. */
export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\//, '').split('/').map(decode);
  const [page = '', id, point] = parts;
  if (page === 'alarms' || page === 'rules') return { page, id: id || undefined };
  if (page === 'models') return { page, id: id || undefined, point: point || undefined };
  if (page === 'tokens') return parseTokensRoute(parts);
  const match = /^#\/(\d{1,10})(?:\/([A-Z]):(\d{1,10}))?$/.exec(hash);
  if (match === null) return NO_CHANNEL;
  const kind = POINT_KINDS.find((known) => known === match[2]);
  return {
    page: 'channels',
    channel: Number(match[1]),
    point: kind === undefined ? undefined : { kind, id: Number(match[3]) },
  };
}

function parseTokensRoute([, view, id, meter, sequence]: readonly string[]): TokensRoute {
  const by = TOKENS_VIEWS.find((known) => known === view) ?? 'meter';
  const isReading = meter !== undefined && /^\d{1,16}$/.test(sequence ?? '');
  const reading = isReading ? { meter, sequence: Number(sequence) } : undefined;
  return { page: 'tokens', by, id: id || undefined, reading };
}

export function formatRoute(route: Route): string {
  if (route.page === 'tokens') {
    const { by, id, reading } = route;
    const parts = reading === undefined ? [id] : [id ?? '', reading.meter, String(reading.sequence)];
    return `#/tokens/${[by, ...parts.filter((part) => part !== undefined).map(encodeURIComponent)].join('/')}`;
  }
  if (route.page !== 'channels') {
    const parts = [route.page, route.id, route.page === 'models' ? route.point : undefined];
    return `#/${parts
      .filter((part) => part !== undefined)
      .map(encodeURIComponent)
      .join('/')}`;
  }
  const { channel, point } = route;
  if (channel === undefined) return '#/';
  return point === undefined ? `#/${channel}` : `#/${channel}/${point.kind}:${point.id}`;
}

/** A part that somebody typed may be no escaped text. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
