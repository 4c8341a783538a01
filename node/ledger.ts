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
} from '../actors/client/ledger.js';
import type { ReadingArchive } from '../actors/meter/older-readings.js';
import { LedgerProjection, type LedgerProjectionOptions } from '../actors/projections/ledger.js';
import { StatewattError } from '../errors/error.js';
import { LedgerStore } from '../protocols/clickhouse/ledger/store.js';
import type { AccountSum } from '../protocols/clickhouse/ledger/accounts.js';
import { formatKilowattHours } from '../site/metering/energy.js';
import { LEDGER_SUM_NAMES, LEDGER_SUMS, type LedgerRow, type LedgerSumName } from '../site/minting/ledger.js';
import { TOKENIZATION_DEFAULTS } from '../site/metering/tokenization.js';
import type { Bus } from '../bus/connection.js';
import type { NodeLog } from './node.js';
import type { Stages } from './stages.js';

const DEFAULT_LIMIT = 100;
/** How long the ledger is waited for that is behind the journal. */
const CATCH_UP_MS = 10_000;

/** The ledger, beside history in its database. @throws `history.unavailable`, `history.failed` */
export function startLedger(
  stages: Stages,
  { bus, url, log, decimals }: { bus: Bus; url: string; log: NodeLog; decimals: () => number },
): Promise<Ledger> {
  return stages.start(
    'ledger',
    async () => {
      const store = new LedgerStore({ url });
      await store.prepare();
      const onTrouble = (error: string | null) => {
        if (error === null) log.info({ part: 'ledger' }, 'the ledger is written again');
        else log.warn({ part: 'ledger', error }, 'the ledger is not written');
      };
      return new Ledger(store, { bus, onTrouble, decimals });
    },
    (ledger) => ledger.close(),
  );
}

/** How the writing of the ledger is getting on. */
export interface LedgerHealth {
  /** This node is the one that writes. */
  readonly writing: boolean;
  /** Written since it began to. */
  readonly rows: number;
  /** Ms since all of the journal was in the ledger. */
  readonly behindMs: number;
  /** Why it is not written; null: it is. */
  readonly lastError: string | null;
}

export interface LedgerOptions extends Omit<LedgerProjectionOptions, 'target'> {
  /** Of the token; missing: as many as it has where nothing is configured. */
  readonly decimals?: () => number;
}

/** The ledger as a node answers it; it writes it too, while it is the one to do that. */
export class Ledger implements LedgerClient, ReadingArchive {
  readonly #store: LedgerStore;
  readonly #options: LedgerOptions;
  #projection: LedgerProjection | undefined;
  #turns: Promise<void> = Promise.resolve();

  constructor(store: LedgerStore, options: LedgerOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Begins or ends to write. */
  write(wanted: boolean): Promise<void> {
    this.#turns = this.#turns.then(() => this.#write(wanted));
    return this.#turns;
  }

  health(): LedgerHealth {
    const { rows = 0, behindMs = 0, lastError = null } = this.#projection ?? {};
    return { writing: this.#projection !== undefined, rows, behindMs, lastError };
  }

  async readings({ order = 'newest', limit = DEFAULT_LIMIT, ...query }: LedgerQuery): Promise<LedgerPage> {
    const { rows, nextCursor } = await this.#store.page({ ...query, limit, newestFirst: order === 'newest' });
    return { readings: rows.map(viewRow), nextCursor };
  }

  async totals(query: LedgerTotalsQuery): Promise<LedgerTotals> {
    const sums = await this.#store.sums(query);
    const all = namedSums((name) =>
      sumOf(sums.filter(({ status }) => LEDGER_SUMS[name].some((one) => one === status))),
    );
    return { ...all, decimals: (this.#options.decimals ?? (() => TOKENIZATION_DEFAULTS.decimals))() };
  }

  async accounts({ by = 'meter', limit = DEFAULT_LIMIT, ...query }: LedgerAccountsQuery): Promise<LedgerAccountsPage> {
    const { rows, nextCursor } = await this.#store.accounts({ ...query, by, limit });
    const accounts = rows.map(({ sums, ...account }) => ({ ...account, ...namedSums((name) => sumOf([sums[name]])) }));
    return { accounts, nextCursor };
  }

  async reading(meter: string, sequence: number, user?: string): Promise<LedgerReading> {
    const [row] = await this.#store.readings(meter, [sequence]);
    if (row !== undefined && (user === undefined || row.user === user)) return viewRow(row);
    const message = `the ledger has no reading ${sequence} of the meter ${meter}${user === undefined ? '' : ` that is of ${user}`}`;
    throw new StatewattError('ledger.not_found', 'not_found', message);
  }

  export(filter: LedgerQueryFilter, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return this.#store.export(filter, signal);
  }

  last(meter: string): Promise<number | undefined> {
    return this.#store.last(meter);
  }

  rows(meter: string, sequences: readonly number[]): Promise<LedgerRow[]> {
    return this.#store.readings(meter, sequences);
  }

  /**
   * Base units that are minted, by batch, once all batches' entries of the journal up to `upTo` are in the ledger; undefined:
   * that takes too long.
   */
  async mintedUpTo(upTo: number): Promise<Map<string, bigint> | undefined> {
    for (let waited = 0; waited <= CATCH_UP_MS; waited += CATCH_UP_MS / 20) {
      const progress = await this.#store.progress();
      if ((progress?.batches ?? 0) >= upTo) return this.#store.minted();
      await new Promise((resolve) => setTimeout(resolve, CATCH_UP_MS / 20));
    }
    return undefined;
  }

  async close(): Promise<void> {
    await this.write(false);
    await this.#store.close();
  }

  async #write(wanted: boolean): Promise<void> {
    if (wanted === (this.#projection !== undefined)) return;
    if (wanted) {
      this.#projection = new LedgerProjection({ ...this.#options, target: this.#store });
      this.#projection.start();
      return;
    }
    await this.#projection?.stop();
    this.#projection = undefined;
  }
}

function viewRow({ energy, batch, signature, ...row }: LedgerRow): LedgerReading {
  return {
    ...row,
    kwh: formatKilowattHours(BigInt(energy)),
    batch: batch === '' ? null : batch,
    signature: signature === '' ? null : signature,
  };
}

function namedSums(sum: (name: LedgerSumName) => LedgerTotals['minted']): Omit<LedgerTotals, 'decimals'> {
  const sums = LEDGER_SUM_NAMES.map((name) => [name, sum(name)] as const);
  return Object.fromEntries(sums) as Omit<LedgerTotals, 'decimals'>;
}

function sumOf(sums: readonly AccountSum[]): LedgerTotals['minted'] {
  let readings = 0;
  let energy = 0n;
  let tokens = 0n;
  for (const sum of sums) {
    readings += sum.readings;
    energy += sum.energy;
    tokens += sum.tokens;
  }
  return { readings, kwh: formatKilowattHours(energy), tokens: tokens.toString() };
}
