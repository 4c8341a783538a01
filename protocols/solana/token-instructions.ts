import { PublicKey, TransactionInstruction, type Address } from '@solana/web3.js';
import { readonly, writable, type Instruction } from './legacy-message.js';
import {
  ASSOCIATED_TOKEN_PROGRAM,
  COMPUTE_BUDGET_PROGRAM,
  MEMO_PROGRAM,
  SYSTEM_PROGRAM,
  TOKEN_PROGRAM,
} from './programs.js';

/**
 * The instructions of SPL Token, Associated Token Account, Memo and Compute Budget that minting needs, byte by byte as the
 * programs document them.
 */

/** Number 20 of SPL Token, InitializeMint2: no account may be frozen, and only `authority` may mint. */
export function initializeMint(mint: Address, authority: Address, decimals: number): TransactionInstruction {
  const data = Buffer.concat([Buffer.of(20, decimals), authority.toBytes(), Buffer.of(0)]);
  const keys = [{ pubkey: mint, isSigner: false, isWritable: true }];
  return new TransactionInstruction({ programId: new PublicKey(TOKEN_PROGRAM), keys, data });
}

/** Number 14 of SPL Token, MintToChecked: fails if the mint has other decimals. */
export function mintToChecked(
  { mint, authority, decimals }: { mint: Buffer; authority: Buffer; decimals: number },
  tokenAccount: Buffer,
  amount: bigint,
): Instruction {
  const data = Buffer.alloc(10);
  data.writeUInt8(14, 0);
  data.writeBigUInt64LE(amount, 1);
  data.writeUInt8(decimals, 9);
  const accounts = [writable(mint), writable(tokenAccount), { key: authority, signer: true, writable: false }];
  return { program: TOKEN_PROGRAM, accounts, data };
}

/** Number 1, CreateIdempotent: does nothing when the account is there already, for this wallet and mint. */
export function createTokenAccount(payer: Buffer, tokenAccount: Buffer, wallet: Buffer, mint: Buffer): Instruction {
  const accounts = [
    { key: payer, signer: true, writable: true },
    writable(tokenAccount),
    readonly(wallet),
    readonly(mint),
    readonly(SYSTEM_PROGRAM),
    readonly(TOKEN_PROGRAM),
  ];
  return { program: ASSOCIATED_TOKEN_PROGRAM, accounts, data: Uint8Array.of(1) };
}

/** A text that everybody can read on the chain. */
export function memo(text: string): Instruction {
  return { program: MEMO_PROGRAM, accounts: [], data: Buffer.from(text, 'utf8') };
}

/** What the transaction may use, in compute units, and what is paid for each, in millionths of a lamport. */
export function computeBudget(units: number, microLamports: number): Instruction[] {
  const limit = Buffer.alloc(5);
  limit.writeUInt8(2, 0);
  limit.writeUInt32LE(units, 1);
  const price = Buffer.alloc(9);
  price.writeUInt8(3, 0);
  price.writeBigUInt64LE(BigInt(microLamports), 1);
  return [limit, price].map((data) => ({ program: COMPUTE_BUDGET_PROGRAM, accounts: [], data }));
}

/** The address of the token account that belongs to a wallet, for a mint. */
export async function tokenAccountOf(wallet: Address, mint: Address): Promise<Address> {
  const seeds = [wallet.toBytes(), new Uint8Array(TOKEN_PROGRAM), mint.toBytes()];
  const [address] = await PublicKey.findProgramAddress(seeds, new PublicKey(ASSOCIATED_TOKEN_PROGRAM));
  return address;
}
