import { formatRef, type Ref } from '../../bus/subjects.js';
import { StatewattError } from '../../errors/error.js';

/**
 * Whether this node may let an actor act: asked before it begins, before each journal entry and before each effect, under
 * the ownership that was claimed when it was brought to life.
 */
export interface ActorTenure {
  has(ref: Ref, ownership: number): boolean;
  /** Waits through a gap in the node's lease until it is known. */
  whenKnown(ref: Ref, ownership: number): Promise<boolean>;
  /**
   * Asked before an actor is brought to life: the number of this node's ownership, which rises with each owner; undefined
   * when the actor lives elsewhere, or is on its way there or here.
   */
  claim(ref: Ref): Promise<number | undefined>;
}

/** For a host that shares its actors with nobody. */
export const EVERYWHERE: ActorTenure = {
  has: () => true,
  whenKnown: () => Promise.resolve(true),
  claim: () => Promise.resolve(0),
};

const NOT_OWNER = 'actors.not_owner';

export function notOwner(ref: Ref): StatewattError {
  return new StatewattError(NOT_OWNER, 'unavailable', `${formatRef(ref)} lives on another node now; ask again`, {
    retryAfterMs: 500,
  });
}

/** Whether an activation ended because another node has its actor now. */
export function isNotOwner(error: StatewattError): boolean {
  return error.code === NOT_OWNER;
}
