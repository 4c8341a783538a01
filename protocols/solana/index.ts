/** What a program that mints tokens imports as `statewatt/solana`. */
export type { TransactionFailure } from './chain-error.js';
export { ensureMint, type EnsureMintOptions } from './mint-account.js';
export { MintClient, type MintClientOptions } from './mint-client.js';
export { MintHistory, type MintedAmount, type MintTransaction } from './mint-history.js';
export type { MintMemo } from './mint-memo.js';
export type { MintMessage, MintMessageParts, MintTarget } from './mint-message.js';
export type { FeeEstimate, MintItem, MintOutcome, MintPlan, RefusedItem, SignedMint } from './mint-types.js';
export { LocalSigner, signerFromEnvironment, signerFromFile, type Signer } from './signer.js';
export type { WalletCheck, WalletRefusal } from './wallets.js';
