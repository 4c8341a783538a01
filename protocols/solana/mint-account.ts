import {
  PublicKey,
  SystemProgram,
  TransactionMessage,
  VersionedTransaction,
  type Address,
  type Connection,
} from '@solana/web3.js';
import { StatewattError } from '../../errors/error.js';
import { withSignature } from './mint-message.js';
import { TOKEN_PROGRAM } from './programs.js';
import { ask, connectRpc } from './rpc.js';
import type { Signer } from './signer.js';
import { initializeMint } from './token-instructions.js';
import { MINT_BYTES, readMint } from './token-state.js';

/** Of `ensureMint`. */
export interface EnsureMintOptions {
  url: string;
  /** Pays, and is to be the mint's authority. */
  signer: Signer;
  decimals: number;
  /** An existing mint, base58. Undefined: the one that belongs to the authority and `name`. */
  mint?: string;
  /** Names the mint among those of the authority, at most 32 characters. Default `statewatt`. */
  name?: string;
  /** Create it when it is not there. Default false. */
  create?: boolean;
  /** How long its creation is waited for. Default 60 s. */
  timeoutMs?: number;
}

/**
 * The mint that is to be used, checked: its decimals, and that the signer may mint. One that is created has an address that
 * follows from authority and name, so that creating it again, after a crash or from another node, finds it.
 *
 * @returns its address, base58
 * @throws `chain.mint_missing`, `chain.mint_mismatch`, `chain.not_mint_authority`, `chain.payer_unfunded`, `chain.unavailable` …
 */
export async function ensureMint(options: EnsureMintOptions): Promise<string> {
  const { url, signer, name = 'statewatt', create = false, timeoutMs = 60_000 } = options;
  const connection = connectRpc({ url });
  const authority = new PublicKey(signer.address);
  const program = new PublicKey(TOKEN_PROGRAM);
  const mint =
    options.mint === undefined ? await PublicKey.createWithSeed(authority, name, program) : new PublicKey(options.mint);
  const address = mint.toBase58();
  if (await isThere(connection, mint, options)) return address;
  if (!create || options.mint !== undefined) {
    throw new StatewattError(
      'chain.mint_missing',
      'not_found',
      `there is no mint ${address} on the chain of ${host(url)}`,
    );
  }
  await createMint(connection, { ...options, name }, mint, authority);
  const end = Date.now() + timeoutMs;
  while (!(await isThere(connection, mint, options))) {
    if (Date.now() > end) {
      throw new StatewattError(
        'chain.mint_missing',
        'timeout',
        `the mint ${address} was not created within ${timeoutMs} ms`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return address;
}

/** Lamports from the faucet of a chain that has one, when the authority has less than `least`. @throws `chain.unavailable` … */
export async function fundFromFaucet(url: string, address: string, least: bigint): Promise<void> {
  const connection = connectRpc({ url });
  const key = new PublicKey(address);
  const funds = await ask('the balance cannot be asked for', connection.getBalance(key));
  if (funds >= least) return;
  await ask('the faucet gives nothing', connection.requestAirdrop(key, Number(least - funds)));
}

async function createMint(
  connection: Connection,
  { signer, decimals, name }: EnsureMintOptions & { name: string },
  mint: Address,
  authority: Address,
): Promise<void> {
  const what = 'the mint cannot be created';
  const [{ blockhash }, lamports] = await ask(
    what,
    Promise.all([connection.getLatestBlockhash(), connection.getMinimumBalanceForRentExemption(MINT_BYTES)]),
  );
  const message = new TransactionMessage({
    payerKey: authority,
    recentBlockhash: blockhash,
    instructions: [
      SystemProgram.createAccountWithSeed({
        fromPubkey: authority,
        basePubkey: authority,
        newAccountPubkey: mint,
        seed: name,
        lamports: Number(lamports),
        space: MINT_BYTES,
        programId: new PublicKey(TOKEN_PROGRAM),
      }),
      initializeMint(mint, authority, decimals),
    ],
  })
    .compileToLegacyMessage()
    .serialize();
  const bytes = withSignature(message, await signer.sign(message));
  const tried = await ask(
    what,
    connection.simulateTransaction(VersionedTransaction.deserialize(bytes), { sigVerify: true }),
  );
  const err: unknown = tried.value.err;
  if (err === 'AccountNotFound' || err === 'InsufficientFundsForFee') {
    throw new StatewattError(
      'chain.payer_unfunded',
      'conflict',
      `the authority ${signer.address} has no lamports for it`,
    );
  }
  // Any other failure shows as the mint’s absence: another node may just have created it.
  if (err !== null) return;
  const transaction = Buffer.from(bytes).toString('base64');
  await ask(what, connection.sendEncodedTransaction(transaction, { skipPreflight: true }));
}

async function isThere(
  connection: Connection,
  mint: Address,
  { signer, decimals }: EnsureMintOptions,
): Promise<boolean> {
  const account = await ask('the mint cannot be looked up', connection.getAccountInfo(mint));
  if (account === null) return false;
  const address = mint.toBase58();
  const state = TOKEN_PROGRAM.equals(account.owner.toBytes()) ? readMint(account.data) : undefined;
  if (state === undefined) {
    throw new StatewattError('chain.mint_mismatch', 'conflict', `${address} is no mint of the SPL Token program`);
  }
  if (state.decimals !== decimals) {
    throw new StatewattError(
      'chain.mint_mismatch',
      'conflict',
      `the mint ${address} has ${state.decimals} decimals; ${decimals} are configured`,
    );
  }
  if (state.authority === undefined || new PublicKey(state.authority).toBase58() !== signer.address) {
    throw new StatewattError('chain.not_mint_authority', 'conflict', `${signer.address} may not mint ${address}`);
  }
  return true;
}

/** An address without what may be secret in it. */
function host(url: string): string {
  return new URL(url).host;
}
