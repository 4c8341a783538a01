import type { MintItem } from './item.js';

/** Bounds of one batch. */
export interface PackingLimits {
  /** Readings in a batch. */
  readonly batchSize: number;
  /** Wallets that one transaction can pay. */
  readonly maxWallets: number;
}

/** The most that a token account holds. */
const MAX_UNITS = 2n ** 64n - 1n;

/** Items by user: users in the order of their first item, the items of each in their own order. */
export function groupByUser(items: readonly MintItem[]): MintItem[][] {
  const groups = new Map<string, MintItem[]>();
  for (const item of items) {
    const group = groups.get(item.user);
    if (group === undefined) groups.set(item.user, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/**
 * Puts items into batches, each of which fits one transaction: user after user, so that what one user gets is in as few
 * transactions as possible, and no order within a user is changed. A batch ends before it has too many readings or wallets,
 * or a sum that no token account holds.
 */
export function packBatches(items: readonly MintItem[], { batchSize, maxWallets }: PackingLimits): MintItem[][] {
  const batches: MintItem[][] = [];
  let batch: MintItem[] = [];
  let wallets = new Set<string>();
  let sum = 0n;
  for (const item of groupByUser(items).flat()) {
    const tokens = BigInt(item.tokens);
    const isFull =
      batch.length >= batchSize ||
      (!wallets.has(item.wallet) && wallets.size >= maxWallets) ||
      sum + tokens > MAX_UNITS;
    if (isFull && batch.length > 0) {
      batches.push(batch);
      batch = [];
      wallets = new Set();
      sum = 0n;
    }
    batch.push(item);
    wallets.add(item.wallet);
    sum += tokens;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
