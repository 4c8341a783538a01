import type { FamilyRecord } from '../../../bus/messages.js';
import type { RestartPolicy } from '../kind.js';
import type { Strategy, Supervision } from './policy.js';

/** How much of a restart intensity is used up. */
export interface Budget {
  readonly ref: string;
  /** `self`: its own crashes, answered by the partition's supervisor; else those of its children, answered by it. */
  readonly of: 'self' | Strategy;
  /** Within the window. */
  readonly crashes: number;
  readonly intensity: number;
  readonly windowMs: number;
}

/** What the supervisor of a partition knows. */
export interface SupervisorView {
  readonly partition: number;
  readonly node: string;
  /** Actors that live in the partition. */
  readonly actors: number;
  /** Since they came to the node. */
  readonly restarts: number;
  /** How often one of them crashed because its children did, beyond its intensity; since it came to the node. */
  readonly escalations: number;
  /** Refs of those that were given up, ascending. */
  readonly failed: readonly string[];
  /** Of actors that have crashed within their window, or whose children have. */
  readonly budgets: readonly Budget[];
}

/** An actor under a partition's supervisor. */
export interface Supervised {
  readonly ref: string;
  readonly state: string;
  readonly restarts: number;
  readonly escalations: number;
  readonly crashes: number;
  readonly restart: RestartPolicy;
  readonly supervise: Supervision | undefined;
  readonly family: FamilyRecord;
}

export function viewSupervisor(given: {
  readonly partition: number;
  readonly node: string;
  readonly supervised: readonly Supervised[];
  readonly now: number;
}): SupervisorView {
  const { partition, node, supervised, now } = given;
  return {
    partition,
    node,
    actors: supervised.length,
    restarts: supervised.reduce((sum, { restarts }) => sum + restarts, 0),
    escalations: supervised.reduce((sum, { escalations }) => sum + escalations, 0),
    failed: supervised
      .filter(({ state }) => state === 'failed')
      .map(({ ref }) => ref)
      .sort(),
    budgets: supervised.flatMap((each) => budgets(each, now)),
  };
}

function budgets({ ref, crashes, restart, supervise, family }: Supervised, now: number): Budget[] {
  const found: Budget[] = [];
  if (crashes > 0) found.push({ ref, of: 'self', crashes, intensity: restart.intensity, windowMs: restart.windowMs });
  if (supervise === undefined) return found;
  const { strategy, intensity, windowMs } = supervise;
  const within = family.crashes.filter((at) => now - at < windowMs).length;
  if (within > 0) found.push({ ref, of: strategy, crashes: within, intensity, windowMs });
  return found;
}
