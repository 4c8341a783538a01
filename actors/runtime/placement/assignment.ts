/** Who owns each partition, and how often it has changed hands. */
export interface PartitionTable {
  /** Raised with every change of the table. */
  readonly version: number;
  /** Instance of the owning node by partition; null = nobody. */
  readonly owners: readonly (string | null)[];
  /** Raised with each change of a partition's owner: names an ownership for ever. */
  readonly epochs: readonly number[];
  /**
   * Who owned each partition before, the last one at the end: one of them may never have heard that it did, so those before
   * it are named too. Absent in a table that an older release wrote.
   */
  readonly before?: readonly (readonly FormerOwner[])[];
}

/** Who owned a partition. */
export interface FormerOwner {
  /** The node's instance. */
  readonly instance: string;
  /** Version of the table that gave the partition to another one. */
  readonly lostBy: number;
}

/** Further back nobody goes on for so long that it could matter. */
const FORMER_OWNERS = 4;

/** Where it may follow one that was lost, `epoch` has to be later than any of that one's: a time in ms is. */
export function emptyTable(partitions: number, epoch = 0): PartitionTable {
  return { version: 0, owners: Array<null>(partitions).fill(null), epochs: Array<number>(partitions).fill(epoch) };
}

/**
 * The table that should be, given who is there: every partition has an owner, no node has more than one partition above
 * another, and no partition moves that need not. Pure and the same for every node that computes it. Answers the given
 * table itself when nothing has to change.
 *
 * @param present everybody who is there, those that drain too: of others nobody need wait for the end. Undefined: not known
 */
export function assign(
  table: PartitionTable,
  members: readonly string[],
  present?: ReadonlySet<string>,
): PartitionTable {
  const alive = [...new Set(members)].sort();
  const { owners } = table;
  const next: (string | null)[] = owners.map((owner) => (owner !== null && alive.includes(owner) ? owner : null));
  if (alive.length > 0) balance(next, alive);
  if (next.every((owner, partition) => owner === owners[partition])) return table;
  const version = table.version + 1;
  const isPresent = (instance: string): boolean => present === undefined || present.has(instance);
  return {
    version,
    owners: next,
    epochs: table.epochs.map((epoch, partition) => (next[partition] === owners[partition] ? epoch : epoch + 1)),
    before: owners.map((owner, partition) => {
      const successor = next[partition];
      const others = (table.before?.[partition] ?? []).filter(
        ({ instance }) => instance !== owner && instance !== successor && isPresent(instance),
      );
      if (owner === null || owner === successor || !isPresent(owner)) return others;
      return [...others, { instance: owner, lostBy: version }].slice(-FORMER_OWNERS);
    }),
  };
}

function balance(owners: (string | null)[], members: readonly string[]): void {
  const held = new Map<string, number[]>(members.map((member) => [member, []]));
  const free: number[] = [];
  owners.forEach((owner, partition) => {
    if (owner === null) free.push(partition);
    else held.get(owner)?.push(partition);
  });
  const floor = Math.floor(owners.length / members.length);
  // Those who hold most keep the odd ones, so that the fewest partitions move.
  const byHeld = [...members].sort((a, b) => size(held, b) - size(held, a) || a.localeCompare(b));
  let odd = owners.length - floor * members.length;
  const quota = new Map(byHeld.map((member) => [member, odd-- > 0 ? floor + 1 : floor]));
  for (const [member, partitions] of held) {
    for (const partition of partitions.splice(quota.get(member) as number)) {
      owners[partition] = null;
      free.push(partition);
    }
  }
  free.sort((a, b) => a - b);
  for (const member of byHeld) {
    const room = (quota.get(member) as number) - size(held, member);
    for (const partition of free.splice(0, room)) owners[partition] = member;
  }
}

function size(held: ReadonlyMap<string, readonly number[]>, member: string): number {
  return held.get(member)?.length ?? 0;
}
