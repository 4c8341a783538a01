import type { Block, Slot } from './plan.js';

/** What reading a run of slots gave: data, the device's refusal of the addresses, or a failure that says nothing. */
export type ReadResult = 'data' | 'refused' | 'failed';

export interface Adaptation {
  /** Runs that were read, each as long as the device allows. */
  readonly good: readonly Slot[][];
  /** Slots that the device refuses even alone. */
  readonly refused: readonly Slot[];
  /** Slots that were not tried for want of budget or because a read failed. */
  readonly left: readonly Slot[];
}

/**
 * Finds how a refused block can be read: the longest runs that the device gives, by halving, and the slots that it
 * refuses alone. Relies on this: when a run is refused, so is every longer one with the same start.
 *
 * `read` reads a run (and stores what it gets); at most `budget` calls. About 2 + log2(n) for each break in the block.
 */
export async function adapt(
  block: Block,
  read: (slots: readonly Slot[]) => Promise<ReadResult>,
  budget: number,
): Promise<Adaptation> {
  const good: Slot[][] = [];
  const refused: Slot[] = [];
  let rest = block.slots;
  // The shortest prefix of `rest` that is refused; one more than there is while that is not known.
  let refusedLength = rest.length;
  for (let spent = 0; rest.length > 0;) {
    let givenLength = 0;
    while (givenLength + 1 < refusedLength) {
      // First one slot alone, because what is refused comes in runs; then all; then halves.
      let attempt = 1;
      if (givenLength > 0) attempt = refusedLength > rest.length ? rest.length : (givenLength + refusedLength) >> 1;
      const result = spent < budget ? await read(rest.slice(0, attempt)) : 'failed';
      spent += 1;
      if (result === 'failed') {
        if (givenLength > 0) good.push(rest.slice(0, givenLength));
        return { good, refused, left: rest.slice(givenLength) };
      }
      if (result === 'data') givenLength = attempt;
      else refusedLength = attempt;
    }
    if (givenLength === 0) refused.push(rest[0] as Slot);
    else good.push(rest.slice(0, givenLength));
    rest = rest.slice(Math.max(1, givenLength));
    refusedLength = rest.length + 1;
  }
  return { good, refused, left: [] };
}
