import { generateKeyPairSync } from 'node:crypto';
import { startEmbeddedChain, type EmbeddedChain } from '../../protocols/solana/embedded/start.js';
import { ensureMint, fundFromFaucet } from '../../protocols/solana/mint-account.js';
import { MintClient, type MintClientOptions } from '../../protocols/solana/mint-client.js';
import { LocalSigner, type Signer } from '../../protocols/solana/signer.js';
import { encodeBase58 } from '../../site/metering/base58.js';
import { tempFolder } from './temp.js';

export interface TestChain extends EmbeddedChain {
  readonly folder: string;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

/** An embedded chain of this test's own, in a folder of its own. */
export async function startTestChain(options: { slotMs?: number } = {}): Promise<TestChain> {
  const folder = await tempFolder();
  const chain = await startEmbeddedChain({ dataFolder: folder.path, ...options });
  return {
    ...chain,
    folder: folder.path,
    remove: async () => {
      await chain.stop();
      await folder.remove();
    },
  };
}

/** A new key, as a key file holds it. */
export function newSecret(): { secret: Uint8Array; address: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { secret: Buffer.concat([seed, key]), address: encodeBase58(key) };
}

/** Base58 addresses that nobody has used. */
export function newWallets(count: number): string[] {
  return Array.from({ length: count }, () => newSecret().address);
}

/** An authority with lamports, and its mint. */
export async function startMinting(
  chain: { url: string },
  options: Partial<MintClientOptions> = {},
): Promise<{ client: MintClient; signer: Signer; mint: string }> {
  const signer = options.signer ?? new LocalSigner(newSecret().secret, 'test');
  await fundFromFaucet(chain.url, signer.address, 100_000_000_000n);
  const mint = await ensureMint({ url: chain.url, signer, decimals: 9, create: true });
  const client = new MintClient({ url: chain.url, signer, mint, decimals: 9, unitPrice: 1_000, ...options });
  return { client, signer, mint };
}

/** Calls a method of the JSON-RPC interface as any program would. */
export async function rpc(
  url: string,
  method: string,
  params: unknown[] = [],
): Promise<{ result?: unknown; error?: { code: number; message: string; data?: Record<string, unknown> } }> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return (await response.json()) as Awaited<ReturnType<typeof rpc>>;
}
