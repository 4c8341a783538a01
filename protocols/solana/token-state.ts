/** Layouts of SPL Token's accounts (spl-token, state.rs). */
export const MINT_BYTES = 82;
export const TOKEN_ACCOUNT_BYTES = 165;

export interface Mint {
  /** undefined: nobody may mint any more. */
  readonly authority: Uint8Array | undefined;
  /** Base units. */
  readonly supply: bigint;
  readonly decimals: number;
}

export interface TokenAccount {
  readonly mint: Uint8Array;
  readonly owner: Uint8Array;
  /** Base units. */
  readonly amount: bigint;
  readonly frozen: boolean;
}

/** @returns undefined for what is no initialised mint */
export function readMint(data: Uint8Array): Mint | undefined {
  if (data.length !== MINT_BYTES || data[45] !== 1) return undefined;
  const bytes = view(data);
  return {
    authority: bytes.readUInt32LE(0) === 1 ? bytes.subarray(4, 36) : undefined,
    supply: bytes.readBigUInt64LE(36),
    decimals: bytes.readUInt8(44),
  };
}

/** @returns undefined for what is no initialised token account */
export function readTokenAccount(data: Uint8Array): TokenAccount | undefined {
  const state = data[108];
  if (data.length !== TOKEN_ACCOUNT_BYTES || (state !== 1 && state !== 2)) return undefined;
  const bytes = view(data);
  return {
    mint: bytes.subarray(0, 32),
    owner: bytes.subarray(32, 64),
    amount: bytes.readBigUInt64LE(64),
    frozen: state === 2,
  };
}

function view(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}
