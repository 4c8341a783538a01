import type { Readable } from 'node:stream';
import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  LedgerAccountsQuerySchema,
  LedgerFilterSchema,
  LedgerOwnerSchema,
  LedgerQuerySchema,
  LedgerReadingParamsSchema,
  LedgerTotalsQuerySchema,
} from '../../../actors/client/ledger.js';
import { readsOwn } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, LedgerAccountsPage, LedgerPage, LedgerReading, LedgerTotals } from '../schemas.js';
import { fileAnswer } from './file-answer.js';

const CSV = 'text/csv; charset=utf-8';

/** Readings and what became of them. */
export function ledgerRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['ledger'];
  app.get(
    '/ledger/readings',
    {
      config: readsOwn,
      schema: {
        operationId: 'listLedgerReadings',
        summary: 'Readings and what became of them, of a user, wallet or meter, page by page',
        tags,
        querystring: LedgerQuerySchema,
        response: { 200: LedgerPage, ...errorAnswers },
      },
    },
    (request) => client.ledger.readings(request.query),
  );

  app.get(
    '/ledger/readings/:meter/:sequence',
    {
      config: readsOwn,
      schema: {
        operationId: 'getLedgerReading',
        summary: 'What became of one reading',
        tags,
        params: LedgerReadingParamsSchema,
        querystring: LedgerOwnerSchema,
        response: { 200: LedgerReading, ...errorAnswers },
      },
    },
    ({ params: { meter, sequence }, query: { user } }) => client.ledger.reading(meter, sequence, user),
  );

  app.get(
    '/ledger/totals',
    {
      config: readsOwn,
      schema: {
        operationId: 'getLedgerTotals',
        summary: 'How many readings, kWh and tokens are minted, pending, failed, held and refused',
        tags,
        querystring: LedgerTotalsQuerySchema,
        response: { 200: LedgerTotals, ...errorAnswers },
      },
    },
    (request) => client.ledger.totals(request.query),
  );

  app.get(
    '/ledger/accounts',
    {
      config: readsOwn,
      schema: {
        operationId: 'listLedgerAccounts',
        summary: 'Users, wallets or meters that have readings, with their sums, page by page',
        tags,
        querystring: LedgerAccountsQuerySchema,
        response: { 200: LedgerAccountsPage, ...errorAnswers },
      },
    },
    (request) => client.ledger.accounts(request.query),
  );

  app.get(
    '/ledger/export',
    {
      config: readsOwn,
      schema: {
        operationId: 'exportLedger',
        summary: 'Readings as a file of CSV, as they are read, oldest first',
        tags,
        querystring: LedgerFilterSchema,
        response: {
          200: { description: 'the file', content: { [CSV]: { schema: Type.Unsafe<Readable>({ type: 'string' }) } } },
          ...errorAnswers,
        },
      },
    },
    async (request, reply) => {
      const file = await fileAnswer(reply, (signal) => client.ledger.export(request.query, signal));
      reply.header('content-disposition', 'attachment; filename="ledger.csv"');
      return reply.type(CSV).send(file);
    },
  );
}
