import { MAX_POINT_ID, POINT_KINDS, type PointKind } from '../points.js';

type Range = readonly [from: number, to: number];

/** Which points are meant: all that are within each of the three. */
export interface PointPattern {
  readonly channels: Range;
  readonly kinds: readonly PointKind[];
  readonly ids: Range;
}

const PART = /^(?:\*|(\d{1,10})(?:-(\d{1,10}))?)$/;

/**
 * Parses `<channel>:<kind>:<id>`: each number may be a range (`1001-1010`) or `*`, the kind one or more letters of TSCA
 * or `*`. The prefix `comsrv:` may be there. `*` alone means all. Undefined when it is no pattern.
 */
export function parsePattern(text: string): PointPattern | undefined {
  if (text === '*') return { channels: [0, Infinity], kinds: POINT_KINDS, ids: [0, Infinity] };
  const [channel, kind, id, ...rest] = text.replace(/^comsrv:/, '').split(':');
  const channels = parseRange(channel, 0xffff_ffff);
  const ids = parseRange(id, MAX_POINT_ID);
  const kinds = kind === '*' ? POINT_KINDS : POINT_KINDS.filter((each) => kind?.includes(each));
  const kindsAreRight = kind === '*' || /^[TSCA]{1,4}$/.test(kind ?? '');
  if (channels === undefined || ids === undefined || !kindsAreRight || rest.length > 0) return undefined;
  return { channels, kinds, ids };
}

export function matches({ channels, kinds, ids }: PointPattern, channel: number, kind: PointKind, id: number): boolean {
  return within(channels, channel) && within(ids, id) && kinds.includes(kind);
}

function within([from, to]: Range, value: number): boolean {
  return value >= from && value <= to;
}

function parseRange(text = '', most: number): Range | undefined {
  const match = PART.exec(text);
  if (match === null) return undefined;
  if (text === '*') return [0, Infinity];
  const from = Number(match[1]);
  const to = Number(match[2] ?? from);
  return from <= to && to <= most ? [from, to] : undefined;
}
