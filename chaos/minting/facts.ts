import { PublicKey } from '@solana/web3.js';
import type { Bus } from '../../bus/connection.js';
import { MintHistory } from '../../protocols/solana/mint-history.js';
import { connectRpc } from '../../protocols/solana/rpc.js';
import { tokenAccountOf } from '../../protocols/solana/token-instructions.js';
import { readingId, type MintItem } from '../../site/minting/item.js';
import { readJournals } from '../checks/commands.js';
import type { BatchFacts, ChainMint, WorthReading } from '../checks/minting.js';

/** Effects of a meter's entry that name readings for which tokens are owed. */
const OWED: ReadonlySet<string> = new Set(['accepted', 'released']);
/** Transactions that are read from the chain at once. */
const READ_AT_ONCE = 16;

/** What the journals of the meters and of the batches say. */
export async function readMintJournals(bus: Bus): Promise<{ owed: WorthReading[]; batches: Map<string, BatchFacts> }> {
  const owed: WorthReading[] = [];
  for (const { id: meter, entry } of await readJournals(bus, 'meter')) {
    for (const { type, params } of entry.effects) {
      if (!OWED.has(type)) continue;
      const { items } = params as { readonly items: readonly Omit<MintItem, 'meter'>[] };
      for (const { sequence, wallet, tokens } of items) {
        owed.push({ id: readingId({ meter, sequence }), wallet, tokens: BigInt(tokens) });
      }
    }
  }
  const batches = new Map<string, { readings: string[]; signed: string[] }>();
  for (const { id, entry } of await readJournals(bus, 'mint-batch')) {
    const { event } = entry;
    let batch = batches.get(id);
    if (batch === undefined) batches.set(id, (batch = { readings: [], signed: [] }));
    if (event.type === 'collect') batch.readings.push(...(event.items as readonly MintItem[]).map(readingId));
    if (event.type === 'signed') batch.signed.push(String(event.signature));
  }
  return { owed, batches };
}

/**
 * What the chain has minted, the newest first.
 *
 * @param wallets all that are to be known by their token accounts
 * @throws `chain.unavailable` …
 */
export async function readChainMints(url: string, mint: string, wallets: Iterable<string>): Promise<ChainMint[]> {
  const history = new MintHistory(connectRpc({ url }), mint);
  const walletOf = new Map<string, string>();
  for (const wallet of new Set(wallets)) {
    walletOf.set((await tokenAccountOf(new PublicKey(wallet), new PublicKey(mint))).toBase58(), wallet);
  }
  const found: { signature: string; batch: string | undefined }[] = [];
  for await (const { signature, failed, memo } of history.transactions()) {
    if (!failed) found.push({ signature, batch: memo?.batch });
  }
  const mints: ChainMint[] = [];
  for (let from = 0; from < found.length; from += READ_AT_ONCE) {
    const read = await Promise.all(
      found.slice(from, from + READ_AT_ONCE).map(async (transaction) => {
        const minted = (await history.minted(transaction.signature)) ?? [];
        const amounts = minted.map(({ tokenAccount, amount }) => ({
          wallet: walletOf.get(tokenAccount) ?? tokenAccount,
          tokens: amount,
        }));
        return { ...transaction, amounts };
      }),
    );
    // The creation of the mint mints nothing.
    mints.push(...read.filter(({ batch, amounts }) => batch !== undefined || amounts.length > 0));
  }
  return mints;
}
