import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbeddedChain, type EmbeddedChain } from '../../protocols/solana/embedded/start.js';
import { ensureMint, fundFromFaucet } from '../../protocols/solana/mint-account.js';
import { newAuthority, signerFromFile } from '../../protocols/solana/signer.js';

/** Of the token; 1 µWh is one base unit. */
const DECIMALS = 9;
/** Shorter than a cluster's 400 ms: what can never be taken any more is so after 15 s instead of 60. */
const SLOT_MS = 100;
const LAMPORTS = 10_000_000_000_000n;

export interface ChaosChain {
  readonly chain: EmbeddedChain;
  /** Base58. */
  readonly mint: string;
  /** The authority's. */
  readonly keyFile: string;
}

/** A chain of the run's own, with an authority that has lamports, and its mint. */
export async function startChaosChain(folder: string): Promise<ChaosChain> {
  const chain = await startEmbeddedChain({ dataFolder: join(folder, 'chain'), slotMs: SLOT_MS });
  try {
    const keyFile = join(folder, 'authority.json');
    await writeFile(keyFile, newAuthority(), { mode: 0o600 });
    const signer = await signerFromFile(keyFile);
    await fundFromFaucet(chain.url, signer.address, LAMPORTS);
    const mint = await ensureMint({ url: chain.url, signer, decimals: DECIMALS, create: true });
    return { chain, mint, keyFile };
  } catch (error) {
    await chain.stop();
    throw error;
  }
}
