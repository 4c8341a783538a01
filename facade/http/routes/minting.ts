import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import { AutoMintSchema, MintBatchIdSchema } from '../../../actors/client/minting.js';
import { configures, operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, MintBatchView, MintingView, NoBody, Reconciliation } from '../schemas.js';

const BatchParams = Type.Object({ id: MintBatchIdSchema });

/** Minting: what waits, what is under way, what it cost; batches that need a person. */
export function mintingRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['minting'];
  const answer = { response: { 200: MintingView, ...errorAnswers } };
  const batchAnswer = { params: BatchParams, response: { 200: MintBatchView, ...errorAnswers } };
  app.get(
    '/minting',
    {
      config: reads,
      schema: {
        operationId: 'getMinting',
        summary: 'What waits to be minted, what is under way, and what it cost so far',
        tags,
        ...answer,
      },
    },
    () => client.minting.view(),
  );

  app.post(
    '/minting/mint',
    {
      config: operates,
      schema: {
        operationId: 'mintNow',
        summary: 'Mint all that waits now; answers once that is durable',
        tags,
        body: NoBody,
        ...answer,
      },
    },
    () => client.minting.mint(),
  );

  app.post(
    '/minting/auto',
    {
      config: configures,
      schema: {
        operationId: 'setAutoMint',
        summary: 'Mint as readings come, or only when told to; null: as configured',
        tags,
        body: AutoMintSchema,
        ...answer,
      },
    },
    (request) => client.minting.auto(request.body.enabled),
  );

  app.get(
    '/minting/reconciliation',
    {
      config: reads,
      schema: {
        operationId: 'reconcileMinting',
        summary: 'Compare all that was minted on the chain with the journal and the ledger; every difference',
        tags,
        response: { 200: Reconciliation, ...errorAnswers },
      },
    },
    () => client.minting.reconcile(),
  );

  app.get(
    '/minting/batches/:id',
    {
      config: reads,
      schema: {
        operationId: 'getMintBatch',
        summary: 'One batch with its readings, its transaction and what became of it',
        tags,
        ...batchAnswer,
      },
    },
    (request) => client.minting.batch(request.params.id),
  );

  app.post(
    '/minting/batches/:id/retry',
    {
      config: operates,
      schema: {
        operationId: 'retryMintBatch',
        summary: 'Try a batch that is parked, or waits for its next try, now',
        tags,
        body: NoBody,
        ...batchAnswer,
      },
    },
    (request) => client.minting.retry(request.params.id),
  );
}
