import { ComputeBudgetProgram, PublicKey, TransactionInstruction, type Address } from '@solana/web3.js';
import { ASSOCIATED_TOKEN_PROGRAM, MEMO_PROGRAM, SYSTEM_PROGRAM, TOKEN_PROGRAM } from './programs.js';

/**
 * The instructions of SPL Token, Associated Token Account and Memo that minting needs, byte by byte as the programs document
 * them; web3.js has none of them.
 */
const TOKEN = new PublicKey(TOKEN_PROGRAM);
const ASSOCIATED_TOKEN = new PublicKey(ASSOCIATED_TOKEN_PROGRAM);
const MEMO = new PublicKey(MEMO_PROGRAM);
const SYSTEM = new PublicKey(SYSTEM_PROGRAM);

const readonly = (pubkey: Address) => ({ pubkey, isSigner: false, isWritable: false });
const writable = (pubkey: Address) => ({ pubkey, isSigner: false, isWritable: true });

/** Number 20, InitializeMint2: no account may be frozen, and only `authority` may mint. */
export function initializeMint(mint: Address, authority: Address, decimals: number): TransactionInstruction {
  const data = Buffer.concat([Buffer.of(20, decimals), authority.toBytes(), Buffer.of(0)]);
  return new TransactionInstruction({ programId: TOKEN, keys: [writable(mint)], data });
}

/** Number 14, MintToChecked: fails if the mint has other decimals. */
export function mintToChecked(
  { mint, authority, decimals }: { mint: Address; authority: Address; decimals: number },
  tokenAccount: Address,
  amount: bigint,
): TransactionInstruction {
  const data = Buffer.alloc(10);
  data.writeUInt8(14, 0);
  data.writeBigUInt64LE(amount, 1);
  data.writeUInt8(decimals, 9);
  const keys = [writable(mint), writable(tokenAccount), { pubkey: authority, isSigner: true, isWritable: false }];
  return new TransactionInstruction({ programId: TOKEN, keys, data });
}

/** Number 1, CreateIdempotent: does nothing when the account is there already, for this wallet and mint. */
export function createTokenAccount(
  payer: Address,
  tokenAccount: Address,
  wallet: Address,
  mint: Address,
): TransactionInstruction {
  const keys = [
    { pubkey: payer, isSigner: true, isWritable: true },
    writable(tokenAccount),
    readonly(wallet),
    readonly(mint),
    readonly(SYSTEM),
    readonly(TOKEN),
  ];
  return new TransactionInstruction({ programId: ASSOCIATED_TOKEN, keys, data: Uint8Array.of(1) });
}

/** A text that everybody can read on the chain. */
export function memo(text: string): TransactionInstruction {
  return new TransactionInstruction({ programId: MEMO, keys: [], data: Buffer.from(text, 'utf8') });
}

/** What the transaction may use, in compute units, and what is paid for each, in millionths of a lamport. */
export function computeBudget(units: number, microLamports: number): TransactionInstruction[] {
  return [
    ComputeBudgetProgram.setComputeUnitLimit({ units }),
    ComputeBudgetProgram.setComputeUnitPrice({ microLamports }),
  ];
}

/** The address of the token account that belongs to a wallet, for a mint. */
export async function tokenAccountOf(wallet: Address, mint: Address): Promise<Address> {
  const seeds = [wallet.toBytes(), TOKEN.toBytes(), mint.toBytes()];
  const [address] = await PublicKey.findProgramAddress(seeds, ASSOCIATED_TOKEN);
  return address;
}
