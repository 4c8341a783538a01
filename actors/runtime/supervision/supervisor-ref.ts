import { makeRef, partitionOf, PARTITIONS, type Ref } from '../../../bus/subjects.js';

/** The kind of the actors that supervise partitions. */
export const PARTITION_SUPERVISOR = 'partition-supervisor';

const refs = Array.from({ length: PARTITIONS }, (_, partition) => {
  // A ref's partition is a hash of it: the first id of this form that falls into the partition.
  for (let n = 0; ; n++) {
    const ref = makeRef(PARTITION_SUPERVISOR, `p${partition}-${n}`);
    if (partitionOf(ref) === partition) return ref;
  }
});

/** The supervisor of a partition; it lives in it. @throws RangeError for what is no partition */
export function supervisorRef(partition: number): Ref {
  const ref = refs[partition];
  if (ref === undefined) throw new RangeError(`there is no partition ${partition}, but 0 to ${PARTITIONS - 1}`);
  return ref;
}
