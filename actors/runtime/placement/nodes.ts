import type { PartitionTable } from './assignment.js';
import type { Member } from './membership.js';

/** One node as the others see it. */
export interface NodeFacts {
  readonly node: string;
  /** Unique for each run of a node. */
  readonly instance: string;
  /** It gives its partitions away and takes no more. */
  readonly draining: boolean;
  /** The partitions that the table says are its own, ascending. */
  readonly partitions: readonly number[];
  /** When it was last heard, ms since the Unix epoch by the clock of the node that says so. */
  readonly heardAt: number;
}

/** Everybody who is there and what they own, by name. */
export function nodeFacts(members: readonly Member[], table: PartitionTable): NodeFacts[] {
  const toEpoch = Date.now() - performance.now();
  return members
    .map(({ node, instance, draining, heardAt }) => ({
      node,
      instance,
      draining,
      partitions: table.owners.flatMap((owner, partition) => (owner === instance ? [partition] : [])),
      heardAt: Math.round(toEpoch + heardAt),
    }))
    .sort((a, b) => a.node.localeCompare(b.node, 'en', { numeric: true }));
}
