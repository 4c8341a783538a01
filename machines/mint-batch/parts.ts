import { decodeBase58 } from '../../site/metering/base58.js';
import type { MintItem } from '../../site/minting/item.js';

const AMOUNT = /^(0|[1-9]\d{0,19})$/;
const MAX_UNITS = 2n ** 64n - 1n;
const ADDRESS_BYTES = 32;

/** Two parts of a batch that are minted apart; together they are all of it. */
export type Parts = readonly [readonly MintItem[], readonly MintItem[]];

/** The wallets that can never get what they are to get: no address, or a sum that no token account holds. */
export function unmintableWallets(items: readonly MintItem[]): string[] {
  const sums = new Map<string, bigint>();
  const bad = new Set<string>();
  for (const { wallet, tokens } of items) {
    if (!AMOUNT.test(tokens) || (!sums.has(wallet) && decodeBase58(wallet, ADDRESS_BYTES) === undefined)) {
      bad.add(wallet);
      continue;
    }
    const sum = (sums.get(wallet) ?? 0n) + BigInt(tokens);
    sums.set(wallet, sum);
    if (sum > MAX_UNITS) bad.add(wallet);
  }
  return [...bad];
}

/**
 * Parts a batch that cannot be minted as a whole: from the wallets that are to blame, or, when nobody knows which are, in
 * two halves by wallet. So one that is bad holds up the others for no more than log2 of their number.
 *
 * @returns null when nothing is gained by parting it: all wallets are to blame, or there is only one
 */
export function partBatch(items: readonly MintItem[], blamed: readonly string[]): Parts | null {
  const wallets = [...new Set(items.map(({ wallet }) => wallet))];
  const known = wallets.filter((wallet) => blamed.includes(wallet));
  const apart = new Set(known.length > 0 ? known : wallets.slice(0, Math.floor(wallets.length / 2)));
  if (apart.size === 0 || apart.size === wallets.length) return null;
  return [items.filter(({ wallet }) => apart.has(wallet)), items.filter(({ wallet }) => !apart.has(wallet))];
}
