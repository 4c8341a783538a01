import { encodeBase58 } from '../../../site/metering/base58.js';
import type { Chain } from './chain.js';
import { checkContextSlot, configParam, wireParam } from './params.js';
import { describeTransactionError, invalidParams, RPC_ERRORS, RpcError } from './rpc-error.js';
import type { Execution, TransactionErrorJson } from './vm.js';
import { parseTransaction, WireError, type WireTransaction } from './wire.js';

const NOTHING: Omit<Execution, 'err'> = { logs: [], unitsConsumed: 0 };

/**
 * `sendTransaction`: simulated first, unless the caller says not to, then executed, and answered when it is on disk. One that
 * cannot be on the chain at all is refused, or without preflight silently dropped, as a cluster does.
 */
export async function sendTransaction(chain: Chain, [text, config]: readonly unknown[]): Promise<string> {
  const given = configParam(config);
  const bytes = wireParam(text, given['encoding']);
  const transaction = parse(bytes);
  checkContextSlot(given, chain.blocks.slot());
  if (given['skipPreflight'] !== true) preflight(chain, bytes, transaction);
  const err = chain.execute(bytes, transaction);
  if (err === 'SignatureFailure' && given['skipPreflight'] !== true) throw signatureFailure();
  await chain.durable();
  return encodeBase58(transaction.signatures[0] as Buffer);
}

/** `simulateTransaction`, without states of accounts afterwards. */
export function simulateTransaction(chain: Chain, [text, config]: readonly unknown[]): unknown {
  const given = configParam(config);
  const bytes = wireParam(text, given['encoding']);
  const transaction = parse(bytes);
  checkContextSlot(given, chain.blocks.slot());
  if (given['accounts'] !== undefined && given['accounts'] !== null) {
    throw invalidParams('the embedded chain simulates without answering accounts');
  }
  const verify = given['sigVerify'] === true;
  const replace = given['replaceRecentBlockhash'] === true;
  if (verify && replace) throw invalidParams('sigVerify may not be used with replaceRecentBlockhash');
  const refused = replace ? null : chain.check(transaction);
  const result = refused === null ? chain.simulate(bytes, transaction, verify) : { err: refused, ...NOTHING };
  if (result.err === 'SignatureFailure') throw signatureFailure();
  const slot = chain.blocks.slot();
  return { context: { slot }, value: resultJson(result) };
}

function preflight(chain: Chain, bytes: Buffer, transaction: WireTransaction): void {
  const refused = chain.check(transaction);
  if (refused !== null) throw preflightFailure({ err: refused, ...NOTHING });
  // Signatures are verified by the execution that follows.
  const result = chain.simulate(bytes, transaction, false);
  if (result.err !== null) throw preflightFailure(result);
}

function preflightFailure(result: Execution): RpcError {
  const why = describeTransactionError(result.err as TransactionErrorJson);
  return new RpcError(RPC_ERRORS.preflightFailure, `Transaction simulation failed: ${why}`, resultJson(result));
}

function signatureFailure(): RpcError {
  return new RpcError(RPC_ERRORS.signatureVerificationFailure, 'Transaction signature verification failure');
}

function resultJson({ err, logs, unitsConsumed }: Execution): unknown {
  return {
    err,
    logs,
    unitsConsumed,
    accounts: null,
    innerInstructions: null,
    loadedAccountsDataSize: 0,
    replacementBlockhash: null,
    returnData: null,
  };
}

function parse(bytes: Buffer): WireTransaction {
  try {
    return parseTransaction(bytes);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw invalidParams(`failed to deserialize solana_transaction::versioned::VersionedTransaction: ${error.message}`);
  }
}
