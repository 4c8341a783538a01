import { randomUUID } from 'node:crypto';
import type { NatsConnection } from '@nats-io/transport-node';
import { ledgerEndpoints as endpoints } from './ledger-endpoints.js';
import type {
  LedgerAccountsPage,
  LedgerAccountsQuery,
  LedgerClient,
  LedgerPage,
  LedgerQuery,
  LedgerQueryFilter,
  LedgerReading,
  LedgerTotals,
  LedgerTotalsQuery,
} from './ledger.js';
import type { Asker } from './remote-ask.js';
import { fetchFile } from './remote-file.js';

/** The ledger of a site that runs elsewhere, over its NATS services. */
export class RemoteLedger implements LedgerClient {
  readonly #nats: NatsConnection;
  readonly #asker: Asker;

  constructor(nats: NatsConnection, asker: Asker) {
    this.#nats = nats;
    this.#asker = asker;
  }

  readings(query: LedgerQuery): Promise<LedgerPage> {
    return this.#asker.ask(endpoints.ledgerReadings, query);
  }

  totals(query: LedgerTotalsQuery): Promise<LedgerTotals> {
    return this.#asker.ask(endpoints.ledgerTotals, query);
  }

  accounts(query: LedgerAccountsQuery): Promise<LedgerAccountsPage> {
    return this.#asker.ask(endpoints.ledgerAccounts, query);
  }

  reading(meter: string, sequence: number, user?: string): Promise<LedgerReading> {
    return this.#asker.ask(endpoints.ledgerReading, { meter, sequence, ...(user === undefined ? {} : { user }) });
  }

  async *export(filter: LedgerQueryFilter, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { subject } = await this.#asker.ask(endpoints.ledgerExport, { ...filter, reader: randomUUID() });
    yield* fetchFile(this.#nats, subject, signal);
  }
}
