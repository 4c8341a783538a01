import type { Bus } from '../../bus/connection.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { refOfEntry, subjects } from '../../bus/subjects.js';
import { codecs } from '../../bus/topics.js';
import type { BatchAnnouncement } from '../../machines/mint-batch.js';
import type { MintedAmount, MintTransaction } from '../../protocols/solana/mint-history.js';
import type { MintBatchState } from '../../site/minting/batch.js';
import { amountsOf, type MintAmount } from '../../site/minting/item.js';
import type { Difference, Reconciliation } from '../client/minting.js';
import { itemsOfBatch } from '../projections/ledger-rows.js';
import { MINT_BATCH } from './steps.js';

/** What the chain remembers of the mint; `MintHistory`. */
export interface ChainHistory {
  transactions(): AsyncIterable<MintTransaction>;
  minted(signature: string): Promise<MintedAmount[] | undefined>;
}

export interface ReconcileParts {
  readonly bus: Bus;
  readonly history: ChainHistory;
  /** The token account of a wallet, base58. */
  tokenAccount(wallet: string): Promise<string>;
  /** Base units minted by batch as the ledger has it; undefined: it is behind the journal. */
  readonly ledger?: (upTo: number) => Promise<ReadonlyMap<string, bigint> | undefined>;
}

/** A transaction of the mint that minted something. */
interface Minted {
  readonly signature: string;
  readonly batch: string | undefined;
  readonly amounts: readonly MintedAmount[];
}

/** A batch as the journal has it. */
interface Journaled {
  readonly amounts: readonly MintAmount[];
  state: MintBatchState;
  signature: string | null;
}

/** Differences that are told; of the others only how many there are. */
const MAX_TOLD = 1_000;
/** Transactions read from the chain at the same time. */
const AT_ONCE = 8;
const READ_AT_ONCE = 100;
/** In these a transaction may be on the chain of which the journal does not know yet. */
const MAY_BE_SENT: readonly MintBatchState[] = ['submitting', 'confirming'];

/**
 * Compares all that the chain says was minted with what the journal of the mint batches says, both ways, and that with the
 * ledger. The chain is read first: what is minted meanwhile is looked up once more and is no difference.
 *
 * @throws `chain.unavailable` …, `bus.unavailable`, `history.unavailable`
 */
export async function reconcile(parts: ReconcileParts): Promise<Reconciliation> {
  const onChain = await readChain(parts.history);
  const { batches, upTo } = await readJournal(parts.bus);
  const found = new Findings(parts, onChain, batches);
  await found.compare();
  const ledger = await parts.ledger?.(upTo);
  if (ledger !== undefined) found.compareLedger(ledger);
  return found.report(ledger);
}

async function readChain(history: ChainHistory): Promise<Minted[]> {
  const minted: Minted[] = [];
  let waiting: MintTransaction[] = [];
  const read = async (): Promise<void> => {
    const amounts = await Promise.all(waiting.map(({ signature }) => history.minted(signature)));
    for (const [index, { signature, memo }] of waiting.entries()) {
      // The mint's own creation, transfers and burns name it too, and mint nothing.
      const found = amounts[index] ?? [];
      if (found.length > 0) minted.push({ signature, batch: memo?.batch, amounts: found });
    }
    waiting = [];
  };
  for await (const transaction of history.transactions()) {
    if (transaction.failed) continue;
    waiting.push(transaction);
    if (waiting.length === AT_ONCE) await read();
  }
  await read();
  return minted;
}

async function readJournal(bus: Bus): Promise<{ batches: Map<string, Journaled>; upTo: number }> {
  const batches = new Map<string, Journaled>();
  let upTo = 0;
  for (;;) {
    const range = { seq: upTo + 1, next_by_subj: subjects.journalOfKind(MINT_BATCH), batch: READ_AT_ONCE };
    const messages = await readBatch(bus, STREAM.journal, range);
    for (const { subject, data, seq } of messages) {
      upTo = seq;
      const { id } = refOfEntry(subject);
      const entry = codecs.journal.decode(data);
      const items = itemsOfBatch(entry);
      if (items !== undefined) batches.set(id, { amounts: amountsOf(items), state: 'collecting', signature: null });
      const announcement = entry.effects.findLast(({ type }) => type === 'announce');
      const batch = batches.get(id);
      if (announcement === undefined || batch === undefined) continue;
      const { state, transaction } = (announcement.params as BatchAnnouncement).batch;
      batch.state = state;
      batch.signature = transaction?.signature ?? null;
    }
    if (messages.length < READ_AT_ONCE) return { batches, upTo };
  }
}

class Findings {
  readonly #parts: ReconcileParts;
  readonly #chain: readonly Minted[];
  readonly #batches: ReadonlyMap<string, Journaled>;
  readonly #differences: Difference[] = [];
  readonly #accounts = new Map<string, string>();
  #found = 0;
  #underWay = 0;

  constructor(parts: ReconcileParts, chain: readonly Minted[], batches: ReadonlyMap<string, Journaled>) {
    this.#parts = parts;
    this.#chain = chain;
    this.#batches = batches;
  }

  async compare(): Promise<void> {
    for (const transaction of this.#chain) await this.#compareTransaction(transaction);
    const known = new Set(this.#chain.map(({ signature }) => signature));
    for (const [id, batch] of this.#batches) {
      if (!isMinted(batch) || (batch.signature !== null && known.has(batch.signature))) continue;
      await this.#compareMissing(id, batch);
    }
  }

  /** What the journal says is minted, and what the ledger says is. */
  compareLedger(ledger: ReadonlyMap<string, bigint>): void {
    for (const [id, batch] of this.#batches) {
      const journal = batch.state === 'settled' ? sumOf(batch.amounts) : 0n;
      const shown = ledger.get(id) ?? 0n;
      if (journal === shown) continue;
      this.#add('ledger', { batch: id, signature: batch.signature, journal, ledger: shown });
    }
    for (const [id, shown] of ledger) {
      if (!this.#batches.has(id)) this.#add('ledger', { batch: id, ledger: shown });
    }
  }

  report(ledger: ReadonlyMap<string, bigint> | undefined): Reconciliation {
    const settled = [...this.#batches.values()].filter(isMinted);
    let inLedger = 0n;
    for (const sum of ledger?.values() ?? []) inLedger += sum;
    return {
      transactions: this.#chain.length,
      batches: settled.length,
      underWay: this.#underWay,
      chain: this.#chain.reduce((sum, { amounts }) => sum + mintedBy(amounts), 0n).toString(),
      journal: settled.reduce((sum, { amounts }) => sum + sumOf(amounts), 0n).toString(),
      ledger: ledger === undefined ? null : inLedger.toString(),
      found: this.#found,
      differences: this.#differences,
    };
  }

  async #compareTransaction({ signature, batch: id, amounts }: Minted): Promise<void> {
    const chain = mintedBy(amounts);
    if (id === undefined) {
      this.#add('no_batch', { signature, chain });
      return;
    }
    const batch = this.#batches.get(id);
    if (batch === undefined) {
      this.#add('unknown_batch', { batch: id, signature, chain });
    } else if (batch.signature !== signature) {
      this.#add('other_transaction', {
        batch: id,
        signature,
        chain,
        journal: isMinted(batch) ? sumOf(batch.amounts) : 0n,
      });
    } else if (MAY_BE_SENT.includes(batch.state)) {
      this.#underWay += 1;
    } else if (batch.state !== 'settled') {
      this.#add('not_settled', { batch: id, signature, chain, journal: 0n });
    } else if (!(await this.#isSame(batch.amounts, amounts))) {
      this.#add('other_amount', { batch: id, signature, chain, journal: sumOf(batch.amounts) });
    }
  }

  /** It may have come after the chain was read. */
  async #compareMissing(id: string, { signature, amounts }: Journaled): Promise<void> {
    const found = signature === null ? undefined : await this.#parts.history.minted(signature);
    const journal = sumOf(amounts);
    if (found === undefined || found.length === 0)
      this.#add('not_on_chain', { batch: id, signature, chain: 0n, journal });
    else if (!(await this.#isSame(amounts, found))) {
      this.#add('other_amount', { batch: id, signature, chain: mintedBy(found), journal });
    }
  }

  async #isSame(amounts: readonly MintAmount[], minted: readonly MintedAmount[]): Promise<boolean> {
    const left = new Map<string, bigint>();
    for (const { tokenAccount, amount } of minted) left.set(tokenAccount, (left.get(tokenAccount) ?? 0n) + amount);
    for (const { wallet, tokens } of amounts) {
      const account = await this.#accountOf(wallet);
      if (left.get(account) !== BigInt(tokens)) return false;
      left.delete(account);
    }
    return left.size === 0;
  }

  async #accountOf(wallet: string): Promise<string> {
    const known = this.#accounts.get(wallet);
    if (known !== undefined) return known;
    const account = await this.#parts.tokenAccount(wallet);
    this.#accounts.set(wallet, account);
    return account;
  }

  #add(
    kind: Difference['kind'],
    facts: { batch?: string; signature?: string | null; chain?: bigint; journal?: bigint; ledger?: bigint },
  ): void {
    this.#found += 1;
    if (this.#differences.length >= MAX_TOLD) return;
    const { batch = null, signature = null, chain, journal, ledger } = facts;
    const text = (units: bigint | undefined) => units?.toString() ?? null;
    this.#differences.push({
      kind,
      batch,
      signature,
      chain: text(chain),
      journal: text(journal),
      ledger: text(ledger),
    });
  }
}

function isMinted({ state, amounts }: Journaled): boolean {
  return state === 'settled' && amounts.length > 0;
}

function mintedBy(amounts: readonly MintedAmount[]): bigint {
  return amounts.reduce((sum, { amount }) => sum + amount, 0n);
}

function sumOf(amounts: readonly MintAmount[]): bigint {
  return amounts.reduce((sum, { tokens }) => sum + BigInt(tokens), 0n);
}
