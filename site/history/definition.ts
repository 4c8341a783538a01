import { parsePattern, type PointPattern } from '../forwarding/pattern.js';
import type { PointDefinition } from '../points.js';
import { ruleMatcher, STORE_ALL, type StorageRule, type StoreMode, type Storing } from './mapping.js';

/** A mapping of what is stored, as a site file or a caller writes it. */
export interface MappingDefinition {
  /** `<channel>:<kind>:<id>`, with ranges and `*`, or `model:<id>:<point>` with `*`; default: all. */
  readonly points?: string | readonly string[];
  /** Names of points, with `*` for any text; default: any. */
  readonly names?: string | readonly string[];
  /** Default `all`. */
  readonly store?: StoreMode;
  /** With `change`; default 0: any other value. */
  readonly deadband?: number;
  readonly maxIntervalMs?: number;
  /** With `interval`. */
  readonly intervalMs?: number;
  /** `redis`: hash fields `comsrv:<channel>:<kind>` that no channel of the site writes. Default `channel`. */
  readonly source?: 'channel' | 'redis';
  /** With `redis`: time between two looks. Default 1000. */
  readonly collectMs?: number;
}

/** What must be known of a site to say what a mapping means. */
export interface MappedSite {
  readonly channels: readonly {
    readonly id: number;
    readonly enabled: boolean;
    readonly points: readonly Pick<PointDefinition, 'kind' | 'id' | 'name'>[];
  }[];
}

/** Where what is wrong is reported. */
export interface MappingOrigin {
  report(field: string, found: string, allowed: string): void;
}

export const COLLECT_DEFAULT_MS = 1_000;
/** Hashes that one mapping may look at, in channels. */
export const MAX_COLLECTED = 1_000;

const PATTERN =
  '<channel>:<kind>:<id>, each of which may be *, numbers also ranges, as 1001-1010:T:*; or model:<id>:<point>, with * for any text';
const MODEL_PATTERN = /^model:[A-Za-z0-9_*-]{1,64}:[A-Za-z0-9_*]{1,64}$/;

/**
 * Makes a rule of what was written; undefined when something is wrong with it, which is reported.
 *
 * @param site undefined: it cannot be said which points there are
 */
export function buildStorageRule(
  definition: MappingDefinition,
  site: MappedSite | undefined,
  origin: MappingOrigin,
): StorageRule | undefined {
  let sound = true;
  const wrong = (field: string, found: string, allowed: string): void => {
    sound = false;
    origin.report(field, found, allowed);
  };
  const names = listOf(definition.names);
  const written = listOf(definition.points ?? '*');
  const models = written.flatMap((text) => (text === '*' ? ['*'] : MODEL_PATTERN.test(text) ? [text] : []));
  const patterns = written.map((text) => {
    if (MODEL_PATTERN.test(text)) return undefined;
    const pattern = parsePattern(text);
    if (pattern === undefined) wrong('points', JSON.stringify(text), PATTERN);
    return pattern;
  });
  if (definition.points === undefined && names.length === 0) wrong('', 'neither points nor names', 'one of them');
  const store = storingOf(definition, wrong);
  const points = patterns.filter((pattern) => pattern !== undefined);
  const fromRedis = definition.source === 'redis';
  if (fromRedis) {
    if (points.length < written.length) wrong('points', 'points of models', 'those of channels, as Redis has them');
    checkCollected(points, names, site, wrong);
  } else if (definition.collectMs !== undefined) wrong('source', '"channel"', 'redis, as it is said how often to look');
  // Models of callers are not known here.
  else if (sound && site !== undefined && points.length === written.length)
    checkMatches({ points, names }, definition, site, wrong);
  if (!sound) return undefined;
  const ofModels = models.length === 0 || fromRedis ? {} : { models };
  return {
    points,
    ...ofModels,
    names,
    store,
    ...(fromRedis ? { collectMs: definition.collectMs ?? COLLECT_DEFAULT_MS } : {}),
  };
}

type Wrong = (field: string, found: string, allowed: string) => void;

function storingOf({ store = 'all', deadband, maxIntervalMs, intervalMs }: MappingDefinition, wrong: Wrong): Storing {
  const found = JSON.stringify(store);
  if (store !== 'change' && (deadband !== undefined || maxIntervalMs !== undefined)) {
    wrong('store', found, 'change, as a deadband or a longest interval is given');
  }
  if (store !== 'interval' && intervalMs !== undefined) wrong('store', found, 'interval, as one is given');
  switch (store) {
    case 'all':
    case 'never':
      return store === 'all' ? STORE_ALL : { mode: 'never' };
    case 'change':
      return { mode: 'change', deadband: deadband ?? 0, ...(maxIntervalMs === undefined ? {} : { maxIntervalMs }) };
    case 'interval':
      if (intervalMs === undefined) wrong('store', '"interval" without one', 'an interval in ms beside it');
      return { mode: 'interval', intervalMs: intervalMs ?? 1 };
  }
}

/** A channel that polls has the last word on its values. */
function checkCollected(
  points: readonly PointPattern[],
  names: readonly string[],
  site: MappedSite | undefined,
  wrong: Wrong,
): void {
  if (names.length > 0) wrong('names', 'names of points', 'points alone, as those in Redis have no names');
  for (const { channels } of points) {
    const [from, to] = channels;
    if (!(from > 0 && to - from < MAX_COLLECTED)) {
      wrong('points', 'channels without end, or too many', `a channel, or a range of at most ${MAX_COLLECTED}`);
      continue;
    }
    const owner = site?.channels.find(({ id, enabled }) => enabled && id >= from && id <= to);
    if (owner !== undefined) {
      wrong(
        'points',
        `those of channel ${owner.id}, which writes them itself`,
        'channels that the site has not, or has disabled',
      );
    }
  }
}

function checkMatches(
  rule: Pick<StorageRule, 'points' | 'names'>,
  { points, names }: MappingDefinition,
  { channels }: MappedSite,
  wrong: Wrong,
): void {
  const isMeant = ruleMatcher(rule);
  const any = channels.some((channel) =>
    channel.points.some(({ kind, id, name }) => isMeant(channel.id, kind, id, name)),
  );
  if (any) return;
  const written = JSON.stringify(names ?? points);
  wrong(names === undefined ? 'points' : 'names', `${written}, which matches no point`, 'patterns that match some');
}

function listOf(given: string | readonly string[] | undefined): readonly string[] {
  return given === undefined ? [] : typeof given === 'string' ? [given] : given;
}
