import { matches, type PointPattern } from '../forwarding/pattern.js';
import { isModelChannel } from '../models/address.js';
import type { PointKind } from '../points.js';
import { wildcard } from '../wildcard.js';
import type { MappingDefinition } from './definition.js';

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
  /** As the site file has it. */
  readonly definition?: MappingDefinition;
  /** The point must match one of them. */
  readonly points: readonly PointPattern[];
  /** Or be a point of a model of these, `model:<id>:<point>`, in which `*` stands for any text; absent: of none. */
  readonly models?: readonly string[];
  /** And its name one of these, in which `*` stands for any text; empty: any name. */
  readonly names: readonly string[];
  readonly store: Storing;
  /** Set: the points are hash fields in Redis that no channel writes; they are read as often (ms). */
  readonly collectMs?: number;
}

/** All that decides what is stored, as it is now. Another one is another object. */
export interface StoragePlan {
  readonly rules: readonly StorageRule[];
  /** A point's name, of one of a model its address `model:<id>:<point>`; undefined: the site has no such point. */
  nameOf(channel: number, kind: PointKind, id: number): string | undefined;
}

export const STORES_ALL: StoragePlan = { rules: [], nameOf: () => undefined };

/** Whether a rule is about a point, by what `nameOf` of a plan says. A point without a name has the empty one. */
export function ruleMatcher({ points, models = [], names }: Pick<StorageRule, 'points' | 'models' | 'names'>) {
  const tests = names.map(wildcard);
  const ofModels = models.map(wildcard);
  return (channel: number, kind: PointKind, id: number, name = ''): boolean => {
    const ofModel = isModelChannel(channel);
    const meant = ofModel
      ? ofModels.some((test) => test(name))
      : points.some((pattern) => matches(pattern, channel, kind, id));
    if (!meant || tests.length === 0) return meant;
    const own = ofModel ? name.slice(name.lastIndexOf(':') + 1) : name;
    return tests.some((test) => test(own));
  };
}
