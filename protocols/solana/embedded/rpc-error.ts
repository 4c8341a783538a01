import type { TransactionErrorJson } from './vm.js';

/** An error of the JSON-RPC interface. */
export class RpcError extends Error {
  constructor(
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/** Numbers of Solana's own errors (rpc-client-api, custom_error.rs), and of JSON-RPC 2.0. */
export const RPC_ERRORS = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  preflightFailure: -32002,
  signatureVerificationFailure: -32003,
  minContextSlotNotReached: -32016,
} as const;

export function invalidParams(message: string): RpcError {
  return new RpcError(RPC_ERRORS.invalidParams, message);
}

/** How a bank words the errors that callers see most. */
const WORDING: Readonly<Record<string, string>> = {
  AccountNotFound: 'Attempt to debit an account but found no record of a prior credit.',
  AlreadyProcessed: 'This transaction has already been processed',
  BlockhashNotFound: 'Blockhash not found',
  InsufficientFundsForFee: 'Insufficient funds for fee',
  SignatureFailure: 'Transaction did not pass signature verification',
  AccountLoadedTwice: 'Account loaded twice',
  InvalidAccountForFee: 'This account may not be used to pay transaction fees',
};

export function describeTransactionError(err: TransactionErrorJson): string {
  if (typeof err === 'string') return WORDING[err] ?? err;
  const { InstructionError: at } = err as { InstructionError?: [number, TransactionErrorJson] };
  if (at === undefined) return JSON.stringify(err);
  const [index, cause] = at;
  const custom = typeof cause === 'string' ? undefined : Number(cause['Custom']);
  const why = custom === undefined ? JSON.stringify(cause) : `custom program error: 0x${custom.toString(16)}`;
  return `Error processing Instruction ${index}: ${why}`;
}
