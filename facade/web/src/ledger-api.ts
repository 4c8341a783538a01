import type {
  LedgerAccountsPage,
  LedgerAccountsQuery,
  LedgerPage,
  LedgerQuery,
  LedgerQueryFilter,
  LedgerReading,
  LedgerTotals,
  LedgerTotalsQuery,
} from '../../../actors/client/ledger.js';
import type { HeldReadingView, MetersPage, MeterView } from '../../../actors/client/metering.js';
import type { MintBatchView, MintingView } from '../../../actors/client/minting.js';
import type { HttpApi } from './api.js';

/** What a person may decide about a reading that is held. */
export type Decision = 'release' | 'refuse';

/** What the page of tokens needs of the server. Who sees only what is their own may ask for the ledger alone. */
export interface LedgerApi {
  totals(query: LedgerTotalsQuery): Promise<LedgerTotals>;
  accounts(query: LedgerAccountsQuery): Promise<LedgerAccountsPage>;
  readings(query: LedgerQuery): Promise<LedgerPage>;
  reading(meter: string, sequence: number): Promise<LedgerReading>;
  /** Where the file of CSV is. */
  exportUrl(filter: LedgerQueryFilter): string;
  minting(): Promise<MintingView>;
  mint(): Promise<MintingView>;
  batch(id: string): Promise<MintBatchView>;
  retry(id: string): Promise<MintBatchView>;
  hasMeters(): Promise<boolean>;
  /** Readings of a meter that wait for a person. */
  held(meter: string): Promise<HeldReadingView[]>;
  decide(meter: string, decision: Decision, sequence: number, by: string): Promise<MeterView>;
}

const LEDGER = '/api/v1/ledger';
const MINTING = '/api/v1/minting';
const METERS = '/api/v1/meters';

export class HttpLedgerApi implements LedgerApi {
  readonly #http: Pick<HttpApi, 'ask'>;

  constructor(http: Pick<HttpApi, 'ask'>) {
    this.#http = http;
  }

  async totals(query: LedgerTotalsQuery): Promise<LedgerTotals> {
    return (await this.#http.ask(`${LEDGER}/totals${textOf(query)}`)) as LedgerTotals;
  }

  async accounts(query: LedgerAccountsQuery): Promise<LedgerAccountsPage> {
    return (await this.#http.ask(`${LEDGER}/accounts${textOf(query)}`)) as LedgerAccountsPage;
  }

  async readings(query: LedgerQuery): Promise<LedgerPage> {
    return (await this.#http.ask(`${LEDGER}/readings${textOf(query)}`)) as LedgerPage;
  }

  async reading(meter: string, sequence: number): Promise<LedgerReading> {
    return (await this.#http.ask(`${LEDGER}/readings/${encodeURIComponent(meter)}/${sequence}`)) as LedgerReading;
  }

  exportUrl(filter: LedgerQueryFilter): string {
    return `${LEDGER}/export${textOf(filter)}`;
  }

  async minting(): Promise<MintingView> {
    return (await this.#http.ask(MINTING)) as MintingView;
  }

  async mint(): Promise<MintingView> {
    return (await this.#http.ask(`${MINTING}/mint`, { post: {} })) as MintingView;
  }

  async batch(id: string): Promise<MintBatchView> {
    return (await this.#http.ask(`${MINTING}/batches/${encodeURIComponent(id)}`)) as MintBatchView;
  }

  async retry(id: string): Promise<MintBatchView> {
    return (await this.#http.ask(`${MINTING}/batches/${encodeURIComponent(id)}/retry`, { post: {} })) as MintBatchView;
  }

  async hasMeters(): Promise<boolean> {
    const { meters } = (await this.#http.ask(`${METERS}?limit=1`)) as MetersPage;
    return meters.length > 0;
  }

  async held(meter: string): Promise<HeldReadingView[]> {
    const { held } = (await this.#http.ask(`${METERS}/${encodeURIComponent(meter)}/held`)) as {
      held: HeldReadingView[];
    };
    return held;
  }

  async decide(meter: string, decision: Decision, sequence: number, by: string): Promise<MeterView> {
    const options = { post: { sequence, by } };
    return (await this.#http.ask(`${METERS}/${encodeURIComponent(meter)}/${decision}`, options)) as MeterView;
  }
}

/** A query as the part of an address; nothing for none. */
function textOf(query: Readonly<Record<string, string | number | undefined>>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  if (given.length === 0) return '';
  return `?${new URLSearchParams(given.map(([name, value]): [string, string] => [name, String(value)])).toString()}`;
}
