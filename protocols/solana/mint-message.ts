import { StatewattError } from '../../errors/error.js';
import { decodeBase58 } from '../../site/metering/base58.js';
import { compileMessage, type Instruction } from './legacy-message.js';
import { computeBudget, createTokenAccount, memo, mintToChecked } from './token-instructions.js';

/** One amount for one wallet, ready to be put into a message. */
export interface MintTarget {
  /** Base58. */
  readonly wallet: string;
  /** Base58; the wallet's associated token account. */
  readonly tokenAccount: string;
  /** Base units, as decimal text: a plan is journaled as JSON, which has no integers of that size. */
  readonly amount: string;
  /** The token account has to be created. */
  readonly create: boolean;
}

/** What a message is made of. */
export interface MintMessageParts {
  /** Pays, and may mint. Base58. */
  readonly authority: string;
  readonly mint: string;
  readonly decimals: number;
  readonly targets: readonly MintTarget[];
  readonly memo: string;
  /** Millionths of a lamport for each compute unit. */
  readonly unitPrice: number;
  readonly blockhash: string;
}

/** A message that is ready to be signed. */
export interface MintMessage {
  /** The bytes to sign. */
  readonly message: Uint8Array;
  /** For each instruction the index of the target that it is for; −1: for none. */
  readonly targetOf: readonly number[];
}

/**
 * Compute units that are allowed, generous for the programs of any cluster of today: they cost something only through the
 * price, and a transaction that runs out of them fails.
 */
const UNITS = { base: 5_000, memoByte: 120, mint: 6_000, creation: 40_000, most: 1_400_000 };

/** What a message may use at most, in compute units. */
export function unitLimit(targets: readonly MintTarget[], memoText: string): number {
  const creations = new Set(targets.filter(({ create }) => create).map(({ wallet }) => wallet)).size;
  const units =
    UNITS.base +
    UNITS.memoByte * Buffer.byteLength(memoText) +
    UNITS.mint * targets.length +
    UNITS.creation * creations;
  return Math.min(units, UNITS.most);
}

/**
 * The message that mints all targets, or none: limit and price of compute units, the memo, and for each target, where it is
 * needed, its token account, then its tokens. Of the legacy form, which is two bytes shorter than version 0 and understood
 * everywhere.
 */
export function buildMintMessage(parts: MintMessageParts): MintMessage {
  const authority = bytesOf(parts.authority);
  const mint = bytesOf(parts.mint);
  const accounts = new Map<string, Buffer>();
  const instructions: Instruction[] = [
    ...computeBudget(unitLimit(parts.targets, parts.memo), parts.unitPrice),
    memo(parts.memo),
  ];
  const targetOf = instructions.map(() => -1);
  parts.targets.forEach(({ wallet, tokenAccount, amount, create }, index) => {
    const known = accounts.get(tokenAccount);
    const account = known ?? bytesOf(tokenAccount);
    if (known === undefined) {
      accounts.set(tokenAccount, account);
      if (create) {
        instructions.push(createTokenAccount(authority, account, bytesOf(wallet), mint));
        targetOf.push(index);
      }
    }
    instructions.push(mintToChecked({ mint, authority, decimals: parts.decimals }, account, BigInt(amount)));
    targetOf.push(index);
  });
  return { message: compileMessage(authority, bytesOf(parts.blockhash), instructions), targetOf };
}

function bytesOf(address: string): Buffer {
  const bytes = decodeBase58(address, 32);
  if (bytes === undefined) {
    throw new StatewattError('chain.address_invalid', 'invalid', `${JSON.stringify(address)} is no address`);
  }
  return Buffer.from(bytes);
}

/** The bytes of a transaction with one signature, in a buffer of their own. */
export function withSignature(message: Uint8Array, signature: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + signature.length + message.length);
  bytes[0] = 1;
  bytes.set(signature, 1);
  bytes.set(message, 1 + signature.length);
  return bytes;
}
