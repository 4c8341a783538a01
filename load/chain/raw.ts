import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { Vm } from '../../protocols/solana/embedded/vm.js';
import { buildMintMessage, withSignature } from '../../protocols/solana/mint-message.js';
import { SYSTEM_PROGRAM, TOKEN_PROGRAM } from '../../protocols/solana/programs.js';
import { MINT_BYTES, TOKEN_ACCOUNT_BYTES } from '../../protocols/solana/token-state.js';
import { encodeBase58 } from '../../site/metering/base58.js';

/** Accounts that a transaction of `perTransaction` mints needs, put straight into the machine, and signed transactions. */
function prepare(vm: Vm, perTransaction: number, count: number): Buffer[] {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const authority = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const account = { executable: false, rentEpoch: 0n, lamports: 10n ** 15n };
  vm.setAccount(authority, { ...account, owner: SYSTEM_PROGRAM, data: new Uint8Array(0) });
  const mint = randomBytes(32);
  const mintData = Buffer.alloc(MINT_BYTES);
  mintData.writeUInt32LE(1, 0);
  authority.copy(mintData, 4);
  mintData.set([9, 1], 44);
  vm.setAccount(mint, { ...account, owner: TOKEN_PROGRAM, data: mintData });
  const targets = Array.from({ length: perTransaction }, () => {
    const tokenAccount = randomBytes(32);
    const data = Buffer.concat([mint, randomBytes(32), Buffer.alloc(TOKEN_ACCOUNT_BYTES - 64)]);
    data[108] = 1;
    vm.setAccount(tokenAccount, { ...account, owner: TOKEN_PROGRAM, data });
    const wallet = encodeBase58(randomBytes(32));
    return { wallet, tokenAccount: encodeBase58(tokenAccount), amount: '1', create: false };
  });
  return Array.from({ length: count }, (_, index) => {
    const { message } = buildMintMessage({
      authority: encodeBase58(authority),
      mint: encodeBase58(mint),
      decimals: 9,
      targets,
      memo: `raw:${index}`,
      unitPrice: 0,
      blockhash: encodeBase58(randomBytes(32)),
    });
    return Buffer.from(withSignature(message, sign(null, message, privateKey)));
  });
}

/** Transactions per second of the virtual machine alone, in this process, signatures verified. */
export function rawTransactionRate(perTransaction: number, count: number): number {
  const vm = new Vm();
  vm.setSlot(1_000, 1_763_733_600);
  const transactions = prepare(vm, perTransaction, count);
  const start = performance.now();
  for (const bytes of transactions) {
    const { err } = vm.execute(bytes, 'legacy', true);
    if (err !== null) throw new Error(`a transaction failed: ${JSON.stringify(err)}`);
  }
  return count / ((performance.now() - start) / 1000);
}

/** Messages built and signed per second by one thread. */
export function buildRate(perTransaction: number, count: number): number {
  const vm = new Vm();
  const start = performance.now();
  prepare(vm, perTransaction, count);
  return count / ((performance.now() - start) / 1000);
}
