import Type from 'typebox';
import { endpoint } from './endpoint.js';
import {
  AutoMintSchema,
  MintBatchIdSchema,
  MintBatchViewSchema,
  MintingViewSchema,
  ReconciliationSchema,
} from './minting.js';

const closed = { additionalProperties: false } as const;
const none = Type.Object({}, closed);
const one = Type.Object({ id: MintBatchIdSchema }, closed);

/** The requests about minting. */
export const mintingEndpoints = {
  mintingGet: endpoint('minting', 'get', {
    summary: 'What waits to be minted, what is under way, and what it cost so far',
    request: none,
    response: MintingViewSchema,
    call: ({ client }) => client.minting.view(),
  }),
  mintingMint: endpoint('minting', 'mint', {
    summary: 'Mint all that waits now; answers once that is durable',
    changes: true,
    request: none,
    response: MintingViewSchema,
    call: ({ client }) => client.minting.mint(),
  }),
  mintingAuto: endpoint('minting', 'auto', {
    summary: 'Mint as readings come, or only when told to; null: as configured',
    changes: true,
    request: AutoMintSchema,
    response: MintingViewSchema,
    call: ({ client }, { enabled }) => client.minting.auto(enabled),
  }),
  mintingBatch: endpoint('minting', 'batch', {
    summary: 'One batch with its readings, its transaction and what became of it',
    request: one,
    response: MintBatchViewSchema,
    call: ({ client }, { id }) => client.minting.batch(id),
  }),
  mintingReconcile: endpoint('minting', 'reconcile', {
    summary: 'Compare all that was minted on the chain with the journal and the ledger; every difference',
    request: none,
    response: ReconciliationSchema,
    call: ({ client }) => client.minting.reconcile(),
  }),
  mintingRetry: endpoint('minting', 'retry', {
    summary: 'Try a batch that is parked, or waits for its next try, now',
    changes: true,
    request: one,
    response: MintBatchViewSchema,
    call: ({ client }, { id }) => client.minting.retry(id),
  }),
} as const;
