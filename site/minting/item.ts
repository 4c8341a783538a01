/** An accepted reading that is to become tokens. Amounts are decimal text, because JSON has no integers beyond 2^53. */
export interface MintItem {
  /** Meter and sequence name the reading for ever. */
  readonly meter: string;
  readonly sequence: number;
  /** The interval that was measured: [start, end), ms since the Unix epoch. */
  readonly start: number;
  readonly end: number;
  /** µWh. */
  readonly energy: string;
  /** Base units. */
  readonly tokens: string;
  /** Whose tokens they become: base58 of 32 bytes. */
  readonly wallet: string;
  readonly user: string;
}

/** What one wallet gets by one transaction. */
export interface MintAmount {
  readonly wallet: string;
  /** Base units, the sum of its readings; above 0. */
  readonly tokens: string;
}

/** Names a reading: `meter/sequence`. */
export function readingId({ meter, sequence }: Pick<MintItem, 'meter' | 'sequence'>): string {
  return `${meter}/${sequence}`;
}

/** What each wallet gets, in the order in which they come first; wallets that get nothing are left out. */
export function amountsOf(items: readonly MintItem[]): MintAmount[] {
  const sums = new Map<string, bigint>();
  for (const { wallet, tokens } of items) sums.set(wallet, (sums.get(wallet) ?? 0n) + BigInt(tokens));
  return [...sums].filter(([, sum]) => sum > 0n).map(([wallet, sum]) => ({ wallet, tokens: sum.toString() }));
}

/** The sum of the items' tokens, base units. */
export function tokensOf(items: readonly MintItem[]): bigint {
  let sum = 0n;
  for (const { tokens } of items) sum += BigInt(tokens);
  return sum;
}
