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
} from '../../actors/client/ledger.js';
import { StatewattError } from '../../errors/error.js';
import { walletAddress } from './minting.js';

const NONE = { readings: 0, kwh: '0', tokens: '0' };
const ONE = { readings: 1, kwh: '1', tokens: '1000000000' };
const NOTHING = { minted: NONE, pending: NONE, failed: NONE, held: NONE, refused: NONE };
const SUMS = { ...NOTHING, minted: ONE, pending: ONE };

/** A ledger of two readings of METER_1: 1 is minted, 2 waits. */
export class FakeLedger implements LedgerClient {
  readonly entries: LedgerReading[];

  constructor(time: number) {
    const common = { meter: 'METER_1', kwh: '1', tokens: '1000000000', wallet: walletAddress(1), user: 'user1' };
    this.entries = [
      {
        ...common,
        ...{ sequence: 1, start: time - 1_800_000, end: time - 900_000, status: 'minted', since: time },
        ...{ batch: '7-1', signature: 'sig7' },
      },
      {
        ...common,
        ...{
          sequence: 2,
          start: time - 900_000,
          end: time,
          status: 'accepted',
          since: time,
          batch: null,
          signature: null,
        },
      },
    ];
  }

  readings({ user, meter, status, limit = 100, order = 'newest' }: LedgerQuery): Promise<LedgerPage> {
    const all = this.entries.filter(
      (each) =>
        (user ?? each.user) === each.user &&
        (meter ?? each.meter) === each.meter &&
        (status ?? each.status) === each.status,
    );
    if (order === 'newest') all.reverse();
    return Promise.resolve({ readings: all.slice(0, limit), nextCursor: all.length > limit ? 'more' : null });
  }

  totals({ user }: LedgerTotalsQuery): Promise<LedgerTotals> {
    return Promise.resolve({ ...(user === undefined || user === 'user1' ? SUMS : NOTHING), decimals: 9 });
  }

  /** The one meter, or whose it is. */
  accounts({ by = 'meter', user, text = '' }: LedgerAccountsQuery): Promise<LedgerAccountsPage> {
    const { meter, wallet, user: owner, end: latest } = this.entries[1] as LedgerReading;
    const id = { meter, wallet, user: owner }[by];
    const account = { id, user: owner, wallet, meters: 1, latest, ...SUMS };
    const isWanted = (user ?? owner) === owner && `${id} ${owner} ${wallet}`.toLowerCase().includes(text.toLowerCase());
    return Promise.resolve({ accounts: isWanted ? [account] : [], nextCursor: null });
  }

  async reading(meter: string, sequence: number, user?: string): Promise<LedgerReading> {
    const found = this.entries.find(
      (each) => each.meter === meter && each.sequence === sequence && (user ?? each.user) === each.user,
    );
    if (found !== undefined) return found;
    throw new StatewattError('ledger.not_found', 'not_found', `the ledger has no reading ${sequence} of ${meter}`);
  }

  async *export({ user }: LedgerQueryFilter, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    yield Buffer.from('meter,sequence\n');
    signal.throwIfAborted();
    const wanted = this.entries.filter((each) => (user ?? each.user) === each.user);
    for (const { meter, sequence } of wanted) yield Buffer.from(`${meter},${sequence}\n`);
  }
}
