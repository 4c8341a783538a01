import Type from 'typebox';
import { endpoint } from './endpoint.js';
import { OpenedFileSchema, ReaderSchema } from './archive-endpoints.js';
import {
  LedgerAccountsPageSchema,
  LedgerAccountsQuerySchema,
  LedgerFilterSchema,
  LedgerPageSchema,
  LedgerQuerySchema,
  LedgerReadingRequestSchema,
  LedgerReadingSchema,
  LedgerTotalsQuerySchema,
  LedgerTotalsSchema,
} from './ledger.js';

/** The requests about the ledger. */
export const ledgerEndpoints = {
  ledgerReadings: endpoint('ledger', 'readings', {
    summary: 'Readings and what became of them, of a user, wallet or meter, page by page',
    request: LedgerQuerySchema,
    response: LedgerPageSchema,
    call: ({ client }, query) => client.ledger.readings(query),
  }),
  ledgerTotals: endpoint('ledger', 'totals', {
    summary: 'How many readings, kWh and tokens are minted, pending, failed, held and refused',
    request: LedgerTotalsQuerySchema,
    response: LedgerTotalsSchema,
    call: ({ client }, query) => client.ledger.totals(query),
  }),
  ledgerAccounts: endpoint('ledger', 'accounts', {
    summary: 'Users, wallets or meters that have readings, with their sums, page by page',
    request: LedgerAccountsQuerySchema,
    response: LedgerAccountsPageSchema,
    call: ({ client }, query) => client.ledger.accounts(query),
  }),
  ledgerReading: endpoint('ledger', 'reading', {
    summary: 'What became of one reading',
    request: LedgerReadingRequestSchema,
    response: LedgerReadingSchema,
    call: ({ client }, { meter, sequence, user }) => client.ledger.reading(meter, sequence, user),
  }),
  ledgerExport: endpoint('ledger', 'export', {
    summary: 'Open a file of readings as CSV; request the subject in the answer again and again for its pieces',
    request: Type.Object({ ...LedgerFilterSchema.properties, reader: ReaderSchema }, { additionalProperties: false }),
    response: OpenedFileSchema,
    call: ({ client, openFile }, { reader, ...filter }) =>
      Promise.resolve(openFile(reader, (signal) => client.ledger.export(filter, signal))),
  }),
} as const;
