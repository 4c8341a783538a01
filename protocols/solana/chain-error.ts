import { errorMessage, StatewattError, type ErrorCategory } from '../../errors/error.js';

/** A transaction's error as the RPC interface writes it. */
export type TransactionError = string | Readonly<Record<string, unknown>>;

/** Why a transaction failed or would fail, in terms of its items. */
export interface TransactionFailure {
  /** Stable, for programs. */
  readonly code: string;
  /**
   * transient: the same again, later or with a new blockhash, may succeed. item: this one item is refused, the others would
   * go through without it. permanent: somebody has to do something.
   */
  readonly kind: 'transient' | 'item' | 'permanent';
  readonly message: string;
  /** Index of the item whose instruction failed. */
  readonly item?: number;
}

/** Errors of the transaction as a whole; every other one is permanent. */
const TRANSIENT: Readonly<Record<string, string>> = {
  BlockhashNotFound: 'chain.blockhash_not_found',
  AccountInUse: 'chain.congested',
  WouldExceedMaxBlockCostLimit: 'chain.congested',
  WouldExceedMaxAccountCostLimit: 'chain.congested',
  WouldExceedAccountDataBlockLimit: 'chain.congested',
  TooManyAccountLocks: 'chain.congested',
  ClusterMaintenance: 'chain.congested',
  CommitCancelled: 'chain.congested',
  ProgramCacheHitMaxLimit: 'chain.congested',
};
const UNFUNDED = new Set(['AccountNotFound', 'InsufficientFundsForFee', 'InsufficientFundsForRent']);

/** Numbers of SPL Token's own errors (spl-token, error.rs) that say something about one account. */
const TOKEN_ERRORS: Readonly<Record<number, string>> = {
  3: 'chain.token_account_of_other_mint',
  17: 'chain.token_account_frozen',
};

/**
 * Puts a transaction's error into words.
 *
 * @param targetOf for each instruction the item that it is for; −1: for none
 */
export function describeFailure(err: TransactionError, targetOf: readonly number[]): TransactionFailure {
  if (typeof err === 'string') {
    const code = TRANSIENT[err];
    if (code !== undefined) return { code, kind: 'transient', message: `the chain refuses it for now: ${err}` };
    if (UNFUNDED.has(err)) return unfunded(err);
    return { code: 'chain.transaction_refused', kind: 'permanent', message: `the chain refuses it: ${err}` };
  }
  const at = err['InstructionError'];
  if (!Array.isArray(at)) {
    const text = JSON.stringify(err, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
    if ('InsufficientFundsForRent' in err) return unfunded(text);
    return { code: 'chain.transaction_refused', kind: 'permanent', message: `the chain refuses it: ${text}` };
  }
  return describeInstruction(Number(at[0]), at[1] as TransactionError, targetOf);
}

function describeInstruction(index: number, cause: TransactionError, targetOf: readonly number[]): TransactionFailure {
  const item = targetOf[index] ?? -1;
  const custom = typeof cause === 'string' ? undefined : Number(cause['Custom']);
  const text = typeof cause === 'string' ? cause : `error ${custom ?? '?'} of its program`;
  if (cause === 'ComputationalBudgetExceeded' || cause === 'MaxInstructionTraceLengthExceeded') {
    return {
      code: 'chain.transaction_too_large',
      kind: 'permanent',
      message: `the transaction needs too much: ${text}`,
    };
  }
  if (item < 0) {
    return { code: 'chain.transaction_refused', kind: 'permanent', message: `instruction ${index} failed: ${text}` };
  }
  // The first instruction of an item is the creation of its account, if that has to be created.
  const creates = targetOf.indexOf(item) === index && targetOf[index + 1] === item;
  if (creates && custom === 1) return unfunded('no lamports for the rent of a new token account');
  if (!creates && (custom === 4 || custom === 5)) {
    return {
      code: 'chain.not_mint_authority',
      kind: 'permanent',
      message: custom === 5 ? 'the mint’s supply is fixed' : 'the authority may not mint',
    };
  }
  if (!creates && custom === 14) {
    return { code: 'chain.supply_overflow', kind: 'permanent', message: 'the supply or a balance would pass 2^64 − 1' };
  }
  const known = creates || custom === undefined ? undefined : TOKEN_ERRORS[custom];
  return {
    code: known ?? 'chain.wallet_refused',
    kind: 'item',
    item,
    message: `its wallet cannot be minted to: ${text}`,
  };
}

function unfunded(text: string): TransactionFailure {
  return {
    code: 'chain.payer_unfunded',
    kind: 'permanent',
    message: `the authority has too few lamports for fee and rent (${text})`,
  };
}

/** What went wrong between us and the RPC endpoint, as a StatewattError: it is away, busy, or does not understand us. */
export function toChainError(thrown: unknown, what: string): StatewattError {
  if (thrown instanceof StatewattError) return thrown;
  const status = httpStatus(thrown);
  const code = rpcCode(thrown);
  const because = errorMessage(thrown);
  const error = (name: string, category: ErrorCategory) =>
    new StatewattError(name, category, `${what}: ${because}`, {
      cause: thrown,
      ...(category === 'internal' ? {} : { retryAfterMs: 1_000 }),
    });
  if (status === 429) return error('chain.rate_limited', 'busy');
  if (status !== undefined && status < 500) return error('chain.rpc_refused', 'internal');
  // −32004 … −32016: the node is behind, has not the block yet, or is restarting (rpc-client-api, custom_error.rs).
  if (code !== undefined && !(code <= -32004 && code >= -32016)) return error('chain.rpc_refused', 'internal');
  return error('chain.unavailable', 'unavailable');
}

function httpStatus(thrown: unknown): number | undefined {
  const { context } = (thrown ?? {}) as { context?: { statusCode?: unknown } };
  return typeof context?.statusCode === 'number' ? context.statusCode : undefined;
}

/** Kit numbers its errors; those of a JSON-RPC endpoint keep that one's number, which is negative. */
function rpcCode(thrown: unknown): number | undefined {
  const { context, code } = (thrown ?? {}) as { context?: { __code?: unknown }; code?: unknown };
  const found = context?.__code ?? code;
  return typeof found === 'number' && found < 0 ? found : undefined;
}
