import { createRequire } from 'node:module';
import type * as Native from 'litesvm/dist/internal.js';
import { instructionErrorNames, transactionErrorNames } from './error-names.js';

/** A transaction's error as Solana's RPC writes it: `"BlockhashNotFound"`, `{ InstructionError: [0, { Custom: 1 }] }` … */
export type TransactionErrorJson = string | { readonly [name: string]: unknown };

export interface Execution {
  /** null: it succeeded. */
  readonly err: TransactionErrorJson | null;
  readonly logs: readonly string[];
  readonly unitsConsumed: number;
}

export interface AccountState {
  readonly lamports: bigint;
  readonly owner: Uint8Array;
  readonly data: Uint8Array;
  readonly executable: boolean;
  readonly rentEpoch: bigint;
}

/**
 * Loads LiteSVM's native binding. Its JavaScript face is passed by: it would decode each transaction into objects and encode
 * them again, with a Kit of its own that is not the one of web3.js.
 */
function loadNative(): typeof Native {
  return createRequire(import.meta.url)('litesvm/dist/internal.js') as typeof Native;
}

/**
 * Solana's virtual machine with the SPL programs (token, associated token account, memo …). It knows accounts and nothing
 * else: blocks, blockhashes and the history of transactions are the chain's, whose checks stand before it.
 */
export class Vm {
  readonly #native = loadNative();
  readonly #svm = new this.#native.LiteSvm();
  #slot = -1;

  constructor() {
    this.#svm.setBlockhashCheck(false);
    this.#svm.setTransactionHistory(0n);
  }

  /** Sets what programs see of the time, when the slot is another one. */
  setSlot(slot: number, unixSeconds: number): void {
    if (slot === this.#slot) return;
    this.#slot = slot;
    const clock = this.#svm.getClock();
    clock.slot = BigInt(slot);
    clock.unixTimestamp = BigInt(unixSeconds);
    this.#svm.setClock(clock);
  }

  /** Carries a transaction out. One that fails has paid its fee, if it could. */
  execute(bytes: Uint8Array, version: 'legacy' | 0, verifySignatures: boolean): Execution {
    this.#svm.setSigverify(verifySignatures);
    const result =
      version === 'legacy' ? this.#svm.sendLegacyTransaction(bytes) : this.#svm.sendVersionedTransaction(bytes);
    return this.#execution(result);
  }

  simulate(bytes: Uint8Array, version: 'legacy' | 0, verifySignatures: boolean): Execution {
    this.#svm.setSigverify(verifySignatures);
    const result =
      version === 'legacy' ? this.#svm.simulateLegacyTransaction(bytes) : this.#svm.simulateVersionedTransaction(bytes);
    return this.#execution(result);
  }

  account(key: Uint8Array): AccountState | undefined {
    const account = this.#svm.getAccount(key);
    if (account === null) return undefined;
    return {
      lamports: account.lamports(),
      owner: account.owner(),
      data: account.data(),
      executable: account.executable(),
      rentEpoch: account.rentEpoch(),
    };
  }

  setAccount(key: Uint8Array, { lamports, owner, data, executable, rentEpoch }: AccountState): void {
    this.#svm.setAccount(key, new this.#native.Account(lamports, data, owner, executable, rentEpoch));
  }

  /** Lamports; 0 for an account that is not there. */
  balance(key: Uint8Array): bigint {
    return this.#svm.getBalance(key) ?? 0n;
  }

  minimumBalance(dataLength: number): bigint {
    return this.#svm.minimumBalanceForRentExemption(BigInt(dataLength));
  }

  #execution(
    result: Native.TransactionMetadata | Native.FailedTransactionMetadata | Native.SimulatedTransactionInfo,
  ): Execution {
    const failed = result instanceof this.#native.FailedTransactionMetadata;
    const meta = result instanceof this.#native.TransactionMetadata ? result : result.meta();
    return {
      err: failed ? this.#error(result.err()) : null,
      logs: meta.logs(),
      unitsConsumed: Number(meta.computeUnitsConsumed()),
    };
  }

  #error(err: ReturnType<Native.FailedTransactionMetadata['err']>): TransactionErrorJson {
    if (typeof err === 'number') return transactionErrorNames[err] ?? `Unknown${err}`;
    if (err instanceof this.#native.TransactionErrorInstructionError) {
      return { InstructionError: [err.index, this.#instructionError(err.err())] };
    }
    if (err instanceof this.#native.TransactionErrorDuplicateInstruction) return { DuplicateInstruction: err.index };
    const name =
      err instanceof this.#native.TransactionErrorInsufficientFundsForRent
        ? 'InsufficientFundsForRent'
        : 'ProgramExecutionTemporarilyRestricted';
    return { [name]: { account_index: err.accountIndex } };
  }

  #instructionError(err: ReturnType<Native.TransactionErrorInstructionError['err']>): TransactionErrorJson {
    if (typeof err === 'number') return instructionErrorNames[err] ?? `Unknown${err}`;
    return err instanceof this.#native.InstructionErrorCustom ? { Custom: err.code } : 'BorshIoError';
  }
}
