import { matches, type PointPattern } from '../forwarding/pattern.js';
import type { PointKind } from '../points.js';
import { wildcard } from '../wildcard.js';

export const STORE_MODES = ['all', 'never', 'change', 'interval'] as const;
export type StoreMode = (typeof STORE_MODES)[number];

/** Which readings of a point history stores. A reading with another quality than the one stored last is always one. */
export type Storing =
  | { readonly mode: 'all' }
  | { readonly mode: 'never' }
  /** Those whose value moved by the deadband at least since the last that was stored, and the first after `maxIntervalMs`. */
  | { readonly mode: 'change'; readonly deadband: number; readonly maxIntervalMs?: number }
  /** The first of each interval, by source time. */
  | { readonly mode: 'interval'; readonly intervalMs: number };

export const STORE_ALL: Storing = { mode: 'all' };

/** What is stored of some points. The first that matches a point counts; a point that none matches is stored whole. */
export interface StorageRule {
  /** Names one of a caller; absent: it stands in the site file. */
  readonly id?: string;
  /** The point must match one of them. */
  readonly points: readonly PointPattern[];
  /** And its name one of these, in which `*` stands for any text; empty: any name. */
  readonly names: readonly string[];
  readonly store: Storing;
  /** Set: the points are hash fields in Redis that no channel writes; they are read as often (ms). */
  readonly collectMs?: number;
}

/** All that decides what is stored, as it is now. Another one is another object. */
export interface StoragePlan {
  readonly rules: readonly StorageRule[];
  /** undefined: the site has no such point. */
  nameOf(channel: number, kind: PointKind, id: number): string | undefined;
}

export const STORES_ALL: StoragePlan = { rules: [], nameOf: () => undefined };

/** Whether a rule is about a point. A point without a name has the empty one. */
export function ruleMatcher({ points, names }: Pick<StorageRule, 'points' | 'names'>) {
  const tests = names.map(wildcard);
  return (channel: number, kind: PointKind, id: number, name = ''): boolean =>
    points.some((pattern) => matches(pattern, channel, kind, id)) &&
    (tests.length === 0 || tests.some((test) => test(name)));
}
