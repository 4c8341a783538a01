import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { SYSTEM_PROGRAM, MEMO_PROGRAM } from '../programs.js';
import type { AccountState } from './vm.js';

export interface Faucet {
  readonly key: Buffer;
  /** As it is at the beginning of the chain. */
  readonly account: AccountState;
  /** A signed transaction that gives lamports away; each one has a signature of its own. */
  transfer(to: Uint8Array, lamports: bigint, blockhash: Uint8Array): Buffer;
}

/** 500 million SOL. */
const WEALTH = 500_000_000n * 1_000_000_000n;
/** A PKCS #8 private key of ed25519 is this and the 32 bytes of its seed (RFC 8410, section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The account that airdrops come from. Its money is worth nothing: the chain is this machine's own. */
export function createFaucet(seed: string): Faucet {
  const key: KeyObject = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, createHash('sha256').update(`${seed}/faucet`).digest()]),
    format: 'der',
    type: 'pkcs8',
  });
  const address = Buffer.from(createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32));
  let transfers = 0;
  return {
    key: address,
    account: { lamports: WEALTH, owner: SYSTEM_PROGRAM, data: new Uint8Array(0), executable: false, rentEpoch: 0n },
    transfer: (to, lamports, blockhash) => {
      transfers += 1;
      const message = transferMessage(address, to, lamports, blockhash, `airdrop ${process.pid}.${transfers}`);
      return Buffer.concat([Buffer.of(1), sign(null, message, key), message]);
    },
  };
}

/** A message of the legacy form: a transfer of the system program, and a memo. */
function transferMessage(from: Buffer, to: Uint8Array, lamports: bigint, blockhash: Uint8Array, memo: string): Buffer {
  const transfer = Buffer.alloc(12);
  transfer.writeUInt32LE(2, 0);
  transfer.writeBigUInt64LE(lamports, 4);
  const keys = [from, Buffer.from(to), SYSTEM_PROGRAM, MEMO_PROGRAM];
  return Buffer.concat([
    Buffer.of(1, 0, 2, keys.length),
    ...keys,
    blockhash,
    Buffer.of(2),
    Buffer.of(2, 2, 0, 1, transfer.length),
    transfer,
    Buffer.of(3, 0, memo.length),
    Buffer.from(memo),
  ]);
}
