import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Chain } from '../../protocols/solana/embedded/chain.js';
import { createEndpoint } from '../../protocols/solana/embedded/http.js';
import { parseTransaction } from '../../protocols/solana/embedded/wire.js';
import { ensureMint, fundFromFaucet } from '../../protocols/solana/mint-account.js';
import { MintClient } from '../../protocols/solana/mint-client.js';
import { buildMintMessage, withSignature } from '../../protocols/solana/mint-message.js';
import { LocalSigner } from '../../protocols/solana/signer.js';
import { encodeBase58 } from '../../site/metering/base58.js';

export interface Restart {
  transactionsPerSecond: number;
  ledgerMb: number;
  /** Resident memory of this process before the transactions and after them. */
  memoryMb: [before: number, after: number];
  /** Opening the chain again: from accounts saved at its end, and from those saved on the way. */
  openMs: number;
}

/** Executes transactions on a chain in this process, with its ledger on disk, and opens it again as after a SIGKILL. */
export async function measureRestart(transactions: number, perTransaction: number): Promise<Restart> {
  const folder = await mkdtemp(join(tmpdir(), 'statewatt-chain-'));
  const log = (line: string) => console.log(`  ${line}`);
  const options = { folder, log, onFatal: (error: unknown) => console.error(error) };
  const chain = await Chain.open(options);
  const { authority, targets, mint, privateKey } = await prepare(chain, perTransaction);
  const before = memoryMb();
  const start = performance.now();
  for (let index = 0; index < transactions; index++) {
    const { message } = buildMintMessage({
      authority,
      mint,
      decimals: 9,
      targets,
      memo: `restart:${index}`,
      unitPrice: 0,
      blockhash: encodeBase58(chain.blocks.blockhash(chain.blocks.slot())),
    });
    const bytes = Buffer.from(withSignature(message, sign(null, message, privateKey)));
    const err = chain.execute(bytes, parseTransaction(bytes));
    if (err !== null) throw new Error(JSON.stringify(err));
    if (index % 50 === 49) await chain.durable();
  }
  await chain.durable();
  const seconds = (performance.now() - start) / 1000;
  const after = memoryMb();
  const { size } = await stat(join(folder, 'ledger'));
  // Not closed first: its accounts are those that it saved on the way, as a kill leaves them.
  const opening = performance.now();
  const again = await Chain.open(options);
  const openMs = performance.now() - opening;
  await chain.close();
  await again.close();
  await rm(folder, { recursive: true, force: true });
  return {
    transactionsPerSecond: transactions / seconds,
    ledgerMb: size / 1024 ** 2,
    memoryMb: [before, after],
    openMs,
  };
}

/** A mint, and wallets that have token accounts, made over the chain’s own endpoint. */
async function prepare(chain: Chain, wallets: number) {
  const server = createEndpoint({ chain, token: 'load', log: console.log });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/load`;
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const signer = new LocalSigner(Buffer.concat([seed, key]), 'load');
  await fundFromFaucet(url, signer.address, 10n ** 15n);
  const mint = await ensureMint({ url, signer, decimals: 9, create: true });
  const client = new MintClient({ url, signer, mint, decimals: 9, unitPrice: 0 });
  const items = Array.from({ length: wallets }, () => {
    const made = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    return { wallet: encodeBase58(made.subarray(-32)), amount: 1n };
  });
  const { transactions } = await client.plan('accounts', items);
  for (const plan of transactions) await client.send(await client.sign(plan));
  server.closeAllConnections();
  server.close();
  const targets = transactions.flatMap((plan) => plan.targets.map((target) => ({ ...target, create: false })));
  return { authority: signer.address, targets, mint, privateKey };
}

function memoryMb(): number {
  return process.memoryUsage().rss / 1024 ** 2;
}
