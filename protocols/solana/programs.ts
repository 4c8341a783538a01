import { decodeBase58 } from '../../site/metering/base58.js';

/** Addresses of the programs that are used, as bytes; they are the same on every cluster. */
function address(text: string): Buffer {
  return Buffer.from(decodeBase58(text, 32) as Uint8Array);
}

export const SYSTEM_PROGRAM = address('11111111111111111111111111111111');
export const COMPUTE_BUDGET_PROGRAM = address('ComputeBudget111111111111111111111111111111');
/** SPL Token, the first one; not Token-2022. */
export const TOKEN_PROGRAM = address('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA');
export const ASSOCIATED_TOKEN_PROGRAM = address('ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL');
/** SPL Memo, version 2 of the interface. */
export const MEMO_PROGRAM = address('MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr');
