import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedChain } from '../../protocols/solana/embedded/start.js';
import { ensureMint, fundFromFaucet } from '../../protocols/solana/mint-account.js';
import { MintClient, type MintPlan } from '../../protocols/solana/mint-client.js';
import { LocalSigner } from '../../protocols/solana/signer.js';
import { encodeBase58 } from '../../site/metering/base58.js';

export interface Through {
  /** Minted amounts per second, from plan to confirmed. */
  mintsPerSecond: number;
  transactionsPerSecond: number;
}

/** An embedded chain, a mint, and wallets whose token accounts are there. */
export async function startChain(wallets: number) {
  const folder = await mkdtemp(join(tmpdir(), 'statewatt-chain-'));
  const chain = await startEmbeddedChain({ dataFolder: folder });
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const signer = new LocalSigner(Buffer.concat([seed, key]), 'load');
  await fundFromFaucet(chain.url, signer.address, 10n ** 15n);
  const mint = await ensureMint({ url: chain.url, signer, decimals: 9, create: true });
  const client = new MintClient({ url: chain.url, signer, mint, decimals: 9, unitPrice: 1_000 });
  const addresses = Array.from({ length: wallets }, () => {
    const made = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    return encodeBase58(made.subarray(-32));
  });
  const { transactions } = await client.plan(
    'accounts',
    addresses.map((wallet) => ({ wallet, amount: 1n })),
  );
  for (const plan of transactions) await settle(client, plan);
  return {
    client,
    addresses,
    stop: async () => {
      await chain.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Chain = Awaited<ReturnType<typeof startChain>>;

async function settle(client: MintClient, plan: MintPlan): Promise<void> {
  const signed = await client.sign(plan);
  await client.send(signed);
  const outcome = await client.confirm(signed, { pollMs: 20 });
  if (outcome.status !== 'confirmed') throw new Error(`a mint ended as ${outcome.status}`);
}

/** Mints `count` amounts, `perTransaction` in each, `parallel` transactions under way at once. */
export async function throughRpc(
  { client, addresses }: Chain,
  { perTransaction, count, parallel }: { perTransaction: number; count: number; parallel: number },
): Promise<Through> {
  let next = 0;
  let transactions = 0;
  const before = await client.history.supply();
  const start = performance.now();
  const work = async () => {
    while (next < count) {
      const from = next;
      next += perTransaction;
      const items = Array.from({ length: perTransaction }, (_, index) => ({
        wallet: addresses[(from + index) % addresses.length] as string,
        amount: 1n,
      }));
      const { transactions: plans } = await client.plan(`load/${from}`, items);
      for (const plan of plans) await settle(client, plan);
      transactions += plans.length;
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
  const seconds = (performance.now() - start) / 1000;
  const minted = Number((await client.history.supply()) - before);
  if (minted !== Math.ceil(count / perTransaction) * perTransaction) throw new Error(`${minted} were minted`);
  return { mintsPerSecond: minted / seconds, transactionsPerSecond: transactions / seconds };
}
