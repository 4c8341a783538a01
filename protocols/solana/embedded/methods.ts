import { encodeBase58 } from '../../../site/metering/base58.js';
import { accountJson, tokenBalanceJson, tokenSupplyJson } from './account-json.js';
import { MAX_BLOCKHASH_AGE } from './blocks.js';
import type { Chain } from './chain.js';
import { feeOf } from './fee.js';
import { checkContextSlot, configParam, countParam, keyParam, listParam, signatureParam, textParam } from './params.js';
import { invalidParams } from './rpc-error.js';
import { sendTransaction, simulateTransaction } from './send.js';
import { signatureJson, transactionJson } from './transaction-json.js';
import { parseMessage, WireError } from './wire.js';

/** A method of the JSON-RPC interface: parameters in, result out. May throw RpcError. */
export type Method = (chain: Chain, params: readonly unknown[]) => unknown;

/** What depends on a slot says which. */
function inContext(chain: Chain, config: Readonly<Record<string, unknown>>, value: unknown): unknown {
  const slot = chain.blocks.slot();
  checkContextSlot(config, slot);
  return { context: { slot, apiVersion: VERSION }, value };
}

/** The version of the machine that LiteSVM carries is not told; this names the interface that is spoken. */
const VERSION = '2.3.0';
/** Slots of an epoch, as on a cluster. */
const SLOTS_IN_EPOCH = 432_000;

/**
 * What of Solana’s JSON-RPC interface the embedded chain speaks (https://solana.com/docs/rpc/http). Every transaction is
 * final as soon as it is on disk, so commitments make no difference.
 */
export const METHODS: Readonly<Record<string, Method>> = {
  getHealth: () => 'ok',
  getVersion: () => ({ 'solana-core': VERSION, 'feature-set': 0 }),
  getGenesisHash: (chain) => encodeBase58(chain.blocks.blockhash(0)),
  getSlot: (chain, [config]) => {
    const slot = chain.blocks.slot();
    checkContextSlot(configParam(config), slot);
    return slot;
  },
  getBlockHeight: (chain, [config]) => {
    const slot = chain.blocks.slot();
    checkContextSlot(configParam(config), slot);
    return slot;
  },
  getEpochInfo: (chain) => {
    const slot = chain.blocks.slot();
    return {
      absoluteSlot: slot,
      blockHeight: slot,
      epoch: Math.floor(slot / SLOTS_IN_EPOCH),
      slotIndex: slot % SLOTS_IN_EPOCH,
      slotsInEpoch: SLOTS_IN_EPOCH,
      transactionCount: chain.transactionCount,
    };
  },
  getTransactionCount: (chain) => chain.transactionCount,
  getBlockTime: (chain, [slot]) => {
    const asked = countParam(slot, 'slot');
    return asked > chain.blocks.slot() ? null : chain.blocks.time(asked);
  },
  getLatestBlockhash: (chain, [config]) => {
    const slot = chain.blocks.slot();
    const blockhash = encodeBase58(chain.blocks.blockhash(slot));
    return inContext(chain, configParam(config), { blockhash, lastValidBlockHeight: slot + MAX_BLOCKHASH_AGE });
  },
  isBlockhashValid: (chain, [blockhash, config]) =>
    inContext(chain, configParam(config), chain.blocks.slotOf(keyParam(blockhash, 'blockhash')) !== undefined),
  getFeeForMessage: (chain, [message, config]) => {
    try {
      const parsed = parseMessage(Buffer.from(textParam(message, 'message'), 'base64'));
      const known = chain.blocks.slotOf(parsed.blockhash) !== undefined;
      return inContext(chain, configParam(config), known ? feeOf(parsed, parsed.requiredSignatures) : null);
    } catch (error) {
      if (error instanceof WireError) throw invalidParams(`failed to deserialize the message: ${error.message}`);
      throw error;
    }
  },
  getRecentPrioritizationFees: (chain) => {
    // There is room for all, so no transaction needs to pay for its place.
    const newest = chain.blocks.slot();
    const oldest = Math.max(0, newest - MAX_BLOCKHASH_AGE + 1);
    return Array.from({ length: newest - oldest + 1 }, (_, index) => ({
      slot: oldest + index,
      prioritizationFee: 0,
    }));
  },
  getMinimumBalanceForRentExemption: (chain, [length]) => chain.minimumBalance(countParam(length, 'data length')),

  getBalance: (chain, [key, config]) => inContext(chain, configParam(config), chain.balance(keyParam(key))),
  getAccountInfo: (chain, [key, config]) => {
    const given = configParam(config);
    return inContext(chain, given, accountJson(chain.account(keyParam(key)), given));
  },
  getMultipleAccounts: (chain, [keys, config]) => {
    const given = configParam(config);
    const wanted = listParam(keys, 'addresses', 100).map((key) => keyParam(key));
    return inContext(
      chain,
      given,
      wanted.map((key) => accountJson(chain.account(key), { encoding: 'base64', ...given })),
    );
  },
  getTokenAccountBalance: (chain, [key, config]) =>
    inContext(
      chain,
      configParam(config),
      tokenBalanceJson(chain.account(keyParam(key)), (mint) => chain.account(mint)),
    ),
  getTokenSupply: (chain, [key, config]) =>
    inContext(chain, configParam(config), tokenSupplyJson(chain.account(keyParam(key)))),

  sendTransaction,
  simulateTransaction,
  requestAirdrop: async (chain, [key, lamports]) => {
    const signature = chain.airdrop(keyParam(key), BigInt(countParam(lamports, 'lamports')));
    await chain.durable();
    return encodeBase58(signature);
  },

  getSignatureStatuses: async (chain, [signatures, config]) => {
    const given = configParam(config);
    const wanted = listParam(signatures, 'signatures', 256).map(signatureParam);
    await chain.durable();
    const statuses = wanted.map((signature) => {
      const status = chain.status(signature, given['searchTransactionHistory'] === true);
      if (status === undefined) return null;
      return {
        slot: status.slot,
        confirmations: null,
        err: status.err,
        status: status.err === null ? { Ok: null } : { Err: status.err },
        confirmationStatus: 'finalized',
      };
    });
    return inContext(chain, given, statuses);
  },
  getTransaction: async (chain, [signature, config]) => {
    // The configuration may be the encoding alone.
    const given = typeof config === 'string' ? { encoding: config } : configParam(config);
    const wanted = signatureParam(signature);
    await chain.durable();
    const record = chain.record(wanted);
    return record === undefined ? null : transactionJson(record, given['encoding']);
  },
  getSignaturesForAddress: async (chain, [address, config]) => {
    const { before, until, limit, ...given } = configParam(config);
    const key = keyParam(address);
    const most = limit === undefined || limit === null ? 1000 : countParam(limit, 'limit');
    if (most < 1 || most > 1000) throw invalidParams('Invalid limit; max 1000');
    const [after, end] = [before, until].map((value) =>
      typeof value === 'string' ? signatureParam(value) : undefined,
    );
    await chain.durable();
    checkContextSlot(given, chain.blocks.slot());
    const found: unknown[] = [];
    for (const record of chain.recordsOf(key, after)) {
      if (end?.equals(record.bytes.subarray(1, 65)) === true || found.length === most) break;
      found.push(signatureJson(record));
    }
    return found;
  },
};
