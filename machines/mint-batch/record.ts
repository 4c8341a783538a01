import type { MintBatchRecord } from '../../site/minting/batch.js';
import { tokensOf } from '../../site/minting/item.js';
import type { MintBatchContext } from './events.js';

/** What a batch waits before its next try: initial · 2^(n−1) after failure n. */
export function retryDelayMs({ policy, failures }: Pick<MintBatchContext, 'policy' | 'failures'>): number {
  return policy.initialDelayMs * 2 ** Math.max(0, failures - 1);
}

/** The batch as everybody outside sees it. */
export function recordOf(context: MintBatchContext): MintBatchRecord {
  const { id, state, since, createdAt, parent, children, items, attempt, transaction, outcome, lastError } = context;
  return {
    ...{ id, state, since, createdAt, parent, children },
    readings: items.length,
    wallets: new Set(items.map(({ wallet }) => wallet)).size,
    tokens: tokensOf(items).toString(),
    attempts: attempt,
    ...{ transaction, outcome },
    retryAt: state === 'retrying' ? since + retryDelayMs(context) : null,
    lastError,
  };
}
