/**
 * How much fits one transaction, computed exactly. A transaction has at most 1,232 bytes: one signature, the message's
 * header, each account once (32 bytes), the blockhash, and the instructions, which name accounts by one byte.
 */
export const MAX_TRANSACTION_BYTES = 1232;

/** What packing must know of one mint. */
export interface PackedItem {
  readonly wallet: string;
  /** Its token account has to be created. */
  readonly create: boolean;
}

const SIGNATURES = 1 + 64;
const HEADER = 3;
const KEY = 32;
const BLOCKHASH = 32;
/** Payer and authority in one, mint, and the programs token, memo, compute budget. */
const FIXED_KEYS = 5;
/** The programs associated token account and system. */
const CREATION_KEYS = 2;
const FIXED_INSTRUCTIONS = 3;
/** Program, number of accounts, length of data: one byte each, while they are small. */
const INSTRUCTION = 3;
const COMPUTE_BUDGET = INSTRUCTION + 5 + (INSTRUCTION + 9);
const MINT = INSTRUCTION + 3 + 10;
const CREATION = INSTRUCTION + 6 + 1;
/** Instructions that a transaction may run, those that programs call counted (Agave’s max_instruction_trace_length). */
const MAX_TRACE = 64;
/** Those of one creation at most: six are called when somebody has sent lamports to the address before. */
const CREATION_TRACE = 7;

/** Bytes of a length as the wire has it: seven bits in each byte. */
function lengthBytes(length: number): number {
  return length < 0x80 ? 1 : 2;
}

/** Counts the bytes of a transaction while items are added to it. */
export class PackedSize {
  readonly #payer: string;
  readonly #memoBytes: number;
  readonly #tokenAccounts = new Set<string>();
  readonly #created = new Set<string>();
  #items = 0;

  /** @param memoBytes of the memo’s text, in UTF-8 */
  constructor(payer: string, memoBytes: number) {
    this.#payer = payer;
    this.#memoBytes = memoBytes;
  }

  /** Whether the item fits; if so it is counted. The first of a wallet that has no token account creates it. */
  add(item: PackedItem): boolean {
    const isNew = !this.#tokenAccounts.has(item.wallet);
    const creates = isNew && item.create;
    this.#items += 1;
    if (isNew) this.#tokenAccounts.add(item.wallet);
    if (creates) this.#created.add(item.wallet);
    if (this.bytes <= MAX_TRANSACTION_BYTES && this.#trace <= MAX_TRACE) return true;
    this.#items -= 1;
    if (isNew) this.#tokenAccounts.delete(item.wallet);
    if (creates) this.#created.delete(item.wallet);
    return false;
  }

  get #trace(): number {
    return FIXED_INSTRUCTIONS + this.#items + this.#created.size * CREATION_TRACE;
  }

  get bytes(): number {
    const created = this.#created.size;
    // A wallet is named only where its account is created, and the payer’s is there anyway.
    const walletKeys = created - (this.#created.has(this.#payer) ? 1 : 0);
    const keys = FIXED_KEYS + this.#tokenAccounts.size + walletKeys + (created > 0 ? CREATION_KEYS : 0);
    const instructions = FIXED_INSTRUCTIONS + this.#items + created;
    return (
      SIGNATURES +
      HEADER +
      lengthBytes(keys) +
      keys * KEY +
      BLOCKHASH +
      lengthBytes(instructions) +
      COMPUTE_BUDGET +
      (2 + lengthBytes(this.#memoBytes) + this.#memoBytes) +
      this.#items * MINT +
      created * CREATION
    );
  }
}

/**
 * Splits items, in their order, into as few transactions as that allows.
 *
 * @param memoBytes the longest memo that a transaction gets, in bytes
 * @returns for each transaction the indexes of its items
 */
export function packItems(items: readonly PackedItem[], payer: string, memoBytes: number): number[][] {
  const transactions: number[][] = [];
  let size = new PackedSize(payer, memoBytes);
  let current: number[] = [];
  items.forEach((item, index) => {
    if (!size.add(item)) {
      transactions.push(current);
      current = [];
      size = new PackedSize(payer, memoBytes);
      size.add(item);
    }
    current.push(index);
  });
  if (current.length > 0) transactions.push(current);
  return transactions;
}
