/** What a program that mints tokens imports as `statewatt/solana`. */
export { ensureMint, type EnsureMintOptions } from './mint-account.js';
export {
  MintClient,
  type FeeEstimate,
  type MintClientOptions,
  type MintItem,
  type MintOutcome,
  type MintPlan,
  type RefusedItem,
  type SignedMint,
} from './mint-client.js';
export { LocalSigner, signerFromEnvironment, signerFromFile, type Signer } from './signer.js';
