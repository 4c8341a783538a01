import { encodeBase58 } from '../../../site/metering/base58.js';
import { MEMO_PROGRAM } from '../programs.js';
import type { LedgerRecord } from './record.js';
import { invalidParams } from './rpc-error.js';
import { parseTransaction, type WireMessage } from './wire.js';

/** A transaction as `getTransaction` answers it. Logs are there for failed ones, token balances for none. */
export function transactionJson(record: LedgerRecord, encoding: unknown): unknown {
  const { message, signatures } = parseTransaction(record.bytes);
  return {
    slot: record.slot,
    blockTime: record.time,
    version: message.version,
    transaction: encode(record.bytes, message, signatures, encoding ?? 'json'),
    meta: {
      err: record.err,
      status: record.err === null ? { Ok: null } : { Err: record.err },
      fee: record.fee,
      preBalances: record.preBalances,
      postBalances: record.postBalances,
      innerInstructions: null,
      logMessages: record.err === null ? null : record.logs,
      preTokenBalances: null,
      postTokenBalances: null,
      rewards: null,
      loadedAddresses: { writable: [], readonly: [] },
      computeUnitsConsumed: record.unitsConsumed,
    },
  };
}

/** What `getSignaturesForAddress` answers for a transaction. */
export function signatureJson(record: LedgerRecord): unknown {
  const { message, signatures } = parseTransaction(record.bytes);
  return {
    signature: encodeBase58(signatures[0] as Buffer),
    slot: record.slot,
    blockTime: record.time,
    err: record.err,
    memo: memoOf(message),
    confirmationStatus: 'finalized',
  };
}

/** Each memo with its length before it, as a cluster's node writes them. */
function memoOf(message: WireMessage): string | null {
  const memos = message.instructions
    .filter(({ program }) => (message.keys[program] as Buffer).equals(MEMO_PROGRAM))
    .map(({ data }) => `[${data.length}] ${Buffer.from(data).toString('utf8')}`);
  return memos.length === 0 ? null : memos.join('; ');
}

function encode(bytes: Buffer, message: WireMessage, signatures: readonly Buffer[], encoding: unknown): unknown {
  if (encoding === 'base64') return [bytes.toString('base64'), 'base64'];
  if (encoding === 'base58') return [encodeBase58(bytes), 'base58'];
  if (encoding !== 'json') {
    throw invalidParams(`unsupported encoding: ${String(encoding)}. Supported encodings: json, base58, base64`);
  }
  return {
    signatures: signatures.map(encodeBase58),
    message: {
      header: {
        numRequiredSignatures: message.requiredSignatures,
        numReadonlySignedAccounts: message.readonlySigned,
        numReadonlyUnsignedAccounts: message.readonlyUnsigned,
      },
      accountKeys: message.keys.map(encodeBase58),
      recentBlockhash: encodeBase58(message.blockhash),
      instructions: message.instructions.map(({ program, accounts, data }) => ({
        programIdIndex: program,
        accounts: [...accounts],
        data: encodeBase58(data),
        stackHeight: 1,
      })),
      ...(message.version === 0 ? { addressTableLookups: [] } : {}),
    },
  };
}
