import { encodeBase58 } from '../../site/metering/base58.js';
import type { MintItem } from '../../site/minting/item.js';

/** The address of a wallet that nobody has the key of. */
export function walletAddress(index: number): string {
  const bytes = new Uint8Array(32).fill(7);
  bytes[0] = index + 1;
  return encodeBase58(bytes);
}

/** A reading of 1 kWh that is worth `tokens`, of user and wallet `owner`. */
export function mintItem(owner: number, sequence: number, tokens: bigint | string = 1_000_000_000n): MintItem {
  return {
    meter: `METER_${owner}`,
    sequence,
    start: 1_763_733_600_000 + sequence * 900_000,
    end: 1_763_734_500_000 + sequence * 900_000,
    energy: '1000000000',
    tokens: tokens.toString(),
    wallet: walletAddress(owner),
    user: `user${owner}`,
  };
}
