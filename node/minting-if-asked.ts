import { LocalMinting } from '../actors/mint/local-minting.js';
import type { Minting, MintingParts } from './minting.js';

const OFF: Minting = {
  kinds: [],
  refs: [],
  shared: undefined,
  signing: undefined,
  client: () => new LocalMinting(undefined),
};

/**
 * Minting, where the site or the environment says how readings become tokens. The chain's client is loaded only then.
 *
 * @throws as `startMinting`
 */
export async function startMintingIfAsked(parts: MintingParts): Promise<Minting> {
  const { environment, site } = parts;
  const { tokenization, solanaRpcUrl } = environment;
  if (site.tokenization === undefined && tokenization === undefined && solanaRpcUrl === undefined) return OFF;
  const { startMinting } = await import('./minting.js');
  return startMinting(parts);
}
