import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StatewattError } from '../../../errors/error.js';
import { Blocks, MAX_BLOCKHASH_AGE } from './blocks.js';
import { createFaucet, type Faucet } from './faucet.js';
import { feeOf } from './fee.js';
import { Ledger } from './ledger.js';
import type { LedgerRecord } from './record.js';
import { SignatureIndex } from './signature-index.js';
import { decodeSnapshot, encodeSnapshot, readWhole, writeWhole } from './snapshot.js';
import { Vm, type AccountState, type Execution, type TransactionErrorJson } from './vm.js';
import { isWritable, parseTransaction, type WireTransaction } from './wire.js';

export interface ChainOptions {
  folder: string;
  /** Length of a slot of a new chain; an existing one keeps its own. Default 400, a cluster's. */
  slotMs?: number;
  log: (line: string) => void;
  /** The ledger cannot be written; what was executed since is in memory only, so the process has to end. */
  onFatal: (error: unknown) => void;
}

export interface SignatureStatus {
  readonly slot: number;
  readonly err: TransactionErrorJson | null;
}

/** A node of a cluster answers for so many slots from memory; older ones only on request from its history. */
const STATUS_SLOTS = 300;
/** Transactions after which the accounts are saved again: replaying that many takes seconds. */
const SNAPSHOT_EVERY = 4_000;

interface GenesisFile {
  time: number;
  slotMs: number;
  seed: string;
}

/**
 * The embedded chain: Solana's virtual machine, the slots of its clock, and the ledger on disk. A transaction is executed at
 * once, and is on the chain when its record is on disk; after a restart the accounts come from the last snapshot and the
 * records since.
 */
export class Chain {
  readonly blocks: Blocks;
  readonly #vm: Vm;
  readonly #ledger: Ledger;
  readonly #faucet: Faucet;
  readonly #options: ChainOptions;
  readonly #state: LedgerState;
  #sinceSnapshot: number;
  #snapshot: Promise<void> | undefined;

  private constructor(
    parts: { vm: Vm; ledger: Ledger; faucet: Faucet; state: LedgerState; genesis: GenesisFile },
    options: ChainOptions,
  ) {
    this.#vm = parts.vm;
    this.#ledger = parts.ledger;
    this.#faucet = parts.faucet;
    this.#state = parts.state;
    this.#options = options;
    this.#sinceSnapshot = parts.state.replayed;
    this.blocks = new Blocks(parts.genesis, parts.state.slot);
  }

  /** @throws `chain.ledger_damaged`, `chain.replay_differs` */
  static async open(options: ChainOptions): Promise<Chain> {
    const { folder, log } = options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const genesis = await readGenesis(join(folder, 'genesis.json'), options.slotMs ?? 400);
    const vm = new Vm();
    const faucet = createFaucet(genesis.seed);
    vm.setAccount(faucet.key, faucet.account);
    const state = new LedgerState(vm, genesis);
    const saved = await readWhole(join(folder, 'accounts'));
    const snapshot = saved === undefined ? undefined : decodeSnapshot(saved);
    if (saved !== undefined && snapshot === undefined)
      log('the saved accounts are unreadable; all transactions are executed again');
    for (const [key, account] of snapshot?.accounts ?? []) {
      vm.setAccount(key, account);
      state.touched.add(key.toString('latin1'));
    }
    const ledger = await Ledger.open(join(folder, 'ledger'), (record, offset) =>
      state.visit(record, offset, offset >= (snapshot?.ledgerEnd ?? 0)),
    );
    if (ledger.end < (snapshot?.ledgerEnd ?? 0)) {
      await ledger.close();
      throw new StatewattError(
        'chain.ledger_damaged',
        'internal',
        `the ledger in ${folder} ends before the saved accounts do; they do not belong together`,
      );
    }
    log(`${state.transactions} transactions, ${state.replayed} of them executed again, ${state.touched.size} accounts`);
    return new Chain({ vm, ledger, faucet, state, genesis }, options);
  }

  get transactionCount(): number {
    return this.#state.transactions;
  }

  /** Resolves when all that was executed is on disk; what is asked of the history afterwards can be relied on. */
  async durable(): Promise<void> {
    try {
      await this.#ledger.flush();
    } catch (error) {
      this.#options.onFatal(error);
      throw error;
    }
  }

  /** Whether a transaction may still be executed: its error, as a bank gives it, or null. */
  check({ signatures, message }: WireTransaction): TransactionErrorJson | null {
    if (this.blocks.slotOf(message.blockhash) === undefined) return 'BlockhashNotFound';
    return this.#state.recent.has((signatures[0] as Buffer).toString('latin1')) ? 'AlreadyProcessed' : null;
  }

  simulate(bytes: Buffer, { message }: WireTransaction, verifySignatures: boolean): Execution {
    this.#vm.setSlot(this.blocks.slot(), this.blocks.time(this.blocks.slot()));
    return this.#vm.simulate(bytes, message.version, verifySignatures);
  }

  /**
   * Executes a transaction. One that fails is on the chain if it has paid its fee, as on a cluster.
   *
   * @returns its error, or null
   */
  execute(bytes: Buffer, transaction: WireTransaction): TransactionErrorJson | null {
    const { message, signatures } = transaction;
    const refused = this.check(transaction);
    if (refused !== null) return refused;
    const slot = this.blocks.slot();
    this.#vm.setSlot(slot, this.blocks.time(slot));
    const preBalances = message.keys.map((key) => this.#vm.balance(key));
    const { err, logs, unitsConsumed } = this.#vm.execute(bytes, message.version, true);
    const postBalances = message.keys.map((key) => this.#vm.balance(key));
    if (err !== null && preBalances[0] === postBalances[0]) return err;
    const record: LedgerRecord = {
      slot,
      time: this.blocks.time(slot),
      err,
      fee: feeOf(message, signatures.length),
      unitsConsumed,
      logs: err === null ? [] : logs,
      bytes,
      preBalances,
      postBalances,
      previous: message.keys.map((key) => this.#state.heads.get(key.toString('latin1')) ?? -1),
    };
    this.#state.note(record, transaction, this.#ledger.append(record));
    this.#sinceSnapshot += 1;
    // Saving takes as long as there are accounts, so it is the rarer the more there are.
    if (this.#sinceSnapshot >= Math.max(SNAPSHOT_EVERY, this.#state.touched.size / 4)) this.#save();
    return err;
  }

  /** Executes a transfer from the faucet. @returns its signature */
  airdrop(key: Uint8Array, lamports: bigint): Buffer {
    const bytes = this.#faucet.transfer(key, lamports, this.blocks.blockhash(this.blocks.slot()));
    const transaction = parseTransaction(bytes);
    const err = this.execute(bytes, transaction);
    if (err !== null) {
      throw new StatewattError('chain.airdrop_failed', 'invalid', `the airdrop failed: ${JSON.stringify(err)}`);
    }
    return transaction.signatures[0] as Buffer;
  }

  account(key: Uint8Array): AccountState | undefined {
    return this.#vm.account(key);
  }

  balance(key: Uint8Array): bigint {
    return this.#vm.balance(key);
  }

  minimumBalance(dataLength: number): bigint {
    return this.#vm.minimumBalance(dataLength);
  }

  /** Of the last minutes from memory; of all time with `history`. */
  status(signature: Buffer, history: boolean): SignatureStatus | undefined {
    const recent = this.#state.recent.get(signature.toString('latin1'));
    return recent ?? (history ? this.record(signature) : undefined);
  }

  record(signature: Buffer): LedgerRecord | undefined {
    const offset = this.#offset(signature);
    return offset === undefined ? undefined : this.#ledger.read(offset);
  }

  /** The transactions that name the key, the newest first, from the one before `before` on. */
  *recordsOf(key: Buffer, before: Buffer | undefined): Generator<LedgerRecord> {
    let offset = this.#state.heads.get(key.toString('latin1')) ?? -1;
    const beforeOffset = before === undefined ? Infinity : this.#offset(before);
    // A cluster answers nothing for a signature that it does not know.
    if (beforeOffset === undefined) return;
    while (offset >= 0) {
      const record = this.#ledger.read(offset);
      if (offset < beforeOffset) yield record;
      const at = parseTransaction(record.bytes).message.keys.findIndex((other) => other.equals(key));
      offset = record.previous[at] ?? -1;
    }
  }

  /** Waits for the disk and saves the accounts, so that the next start has nothing to execute again. */
  async close(): Promise<void> {
    await this.durable();
    await this.#snapshot;
    if (this.#sinceSnapshot > 0) this.#save();
    await this.#snapshot;
    await this.#ledger.close();
  }

  #offset(signature: Buffer): number | undefined {
    for (const offset of this.#state.signatures.candidates(signature)) {
      if (offset >= this.#ledger.durableEnd) continue;
      const { bytes } = this.#ledger.read(offset);
      if (bytes.subarray(1, 65).equals(signature)) return offset;
    }
    return undefined;
  }

  #save(): void {
    if (this.#snapshot !== undefined) return;
    this.#sinceSnapshot = 0;
    const accounts = [...this.#state.touched].map((name) => Buffer.from(name, 'latin1'));
    const bytes = encodeSnapshot({
      ledgerEnd: this.#ledger.end,
      accounts: accounts.map((key) => [key, this.#vm.account(key) ?? NO_ACCOUNT] as const),
    });
    this.#snapshot = this.durable()
      .then(() => writeWhole(join(this.#options.folder, 'accounts'), bytes))
      .catch((error: unknown) => {
        // The next start only takes longer.
        this.#options.log(`the accounts could not be saved: ${String(error)}`);
      })
      .finally(() => (this.#snapshot = undefined));
  }
}

const NO_ACCOUNT: AccountState = {
  lamports: 0n,
  owner: new Uint8Array(32),
  data: new Uint8Array(0),
  executable: false,
  rentEpoch: 0n,
};

/** What is known of the ledger without reading it. */
class LedgerState {
  readonly signatures = new SignatureIndex();
  /** Statuses of the last slots, by signature. */
  readonly recent = new Map<string, SignatureStatus>();
  /** Offset of the newest transaction that names a key. */
  readonly heads = new Map<string, number>();
  /** Accounts that transactions may have changed. */
  readonly touched = new Set<string>();
  transactions = 0;
  replayed = 0;
  slot: number;
  readonly #vm: Vm;

  constructor(vm: Vm, { time, slotMs }: GenesisFile) {
    this.#vm = vm;
    this.slot = Math.max(0, Math.floor((Date.now() - time) / slotMs));
  }

  /** A record of the ledger that is being opened. */
  visit(record: LedgerRecord, offset: number, replay: boolean): void {
    const transaction = parseTransaction(record.bytes);
    if (replay) {
      this.#vm.setSlot(record.slot, record.time);
      const { err } = this.#vm.execute(record.bytes, transaction.message.version, false);
      if (JSON.stringify(err) !== JSON.stringify(record.err)) {
        throw new StatewattError(
          'chain.replay_differs',
          'internal',
          `the transaction at byte ${offset} of the ledger ended with ${JSON.stringify(record.err)}, but now with ${JSON.stringify(err)}; this version of the virtual machine cannot take the chain over without its saved accounts`,
        );
      }
      this.replayed += 1;
    }
    this.note(record, transaction, offset, replay);
  }

  note(record: LedgerRecord, { message, signatures }: WireTransaction, offset: number, touches = true): void {
    const signature = signatures[0] as Buffer;
    this.signatures.add(signature, offset);
    this.transactions += 1;
    this.slot = Math.max(this.slot, record.slot);
    if (record.slot + STATUS_SLOTS >= this.slot) {
      this.recent.set(signature.toString('latin1'), { slot: record.slot, err: record.err });
    }
    for (const [oldest, status] of this.recent) {
      if (status.slot + STATUS_SLOTS >= this.slot) break;
      this.recent.delete(oldest);
    }
    message.keys.forEach((key, index) => {
      const name = key.toString('latin1');
      this.heads.set(name, offset);
      if (touches && isWritable(message, index)) this.touched.add(name);
    });
  }
}

async function readGenesis(path: string, slotMs: number): Promise<GenesisFile> {
  const bytes = await readWhole(path);
  if (bytes !== undefined) return JSON.parse(bytes.toString()) as GenesisFile;
  // Begun so long ago that the first blockhashes have a past.
  const time = Date.now() - 2 * MAX_BLOCKHASH_AGE * slotMs;
  const genesis: GenesisFile = { time, slotMs, seed: randomBytes(32).toString('hex') };
  await writeWhole(path, Buffer.from(JSON.stringify(genesis)));
  return genesis;
}
