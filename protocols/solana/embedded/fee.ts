import { COMPUTE_BUDGET_PROGRAM, SYSTEM_PROGRAM } from '../programs.js';
import type { WireMessage } from './wire.js';

/** Lamports for each signature. */
export const LAMPORTS_PER_SIGNATURE = 5_000n;
const MAX_COMPUTE_UNITS = 1_400_000n;
const DEFAULT_UNITS = 200_000n;
/** Of an instruction to a program that is part of the machine itself (SIMD-0170). */
const DEFAULT_BUILTIN_UNITS = 3_000n;
const MICRO = 1_000_000n;

/**
 * The fee of a transaction in lamports: 5,000 for each signature, and compute unit limit × price, rounded up
 * (https://solana.com/docs/core/fees).
 */
export function feeOf(message: WireMessage, signatures: number): bigint {
  let price = 0n;
  let limit: bigint | undefined;
  let units = 0n;
  for (const { program, data } of message.instructions) {
    const key = message.keys[program] as Buffer;
    const isBudget = key.equals(COMPUTE_BUDGET_PROGRAM);
    units += isBudget || key.equals(SYSTEM_PROGRAM) ? DEFAULT_BUILTIN_UNITS : DEFAULT_UNITS;
    if (!isBudget) continue;
    const bytes = Buffer.from(data);
    if (bytes[0] === 2 && bytes.length === 5) limit = BigInt(bytes.readUInt32LE(1));
    if (bytes[0] === 3 && bytes.length === 9) price = bytes.readBigUInt64LE(1);
  }
  limit ??= units;
  if (limit > MAX_COMPUTE_UNITS) limit = MAX_COMPUTE_UNITS;
  return LAMPORTS_PER_SIGNATURE * BigInt(signatures) + (limit * price + MICRO - 1n) / MICRO;
}
