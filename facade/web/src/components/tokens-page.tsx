import { site, tokensRoute } from '../page.js';
import { AccountList } from './account-list.js';
import { BatchDetail } from './batch-detail.js';
import { BatchList } from './batch-list.js';
import { LedgerReadingDetail } from './ledger-reading-detail.js';
import { LedgerReadings } from './ledger-readings.js';
import { MeterEvents } from './meter-events.js';
import { TokenFigures } from './token-figures.js';

/** Readings and what became of them: whose, how much, on which way to the chain, and what waits for a person. */
export function TokensPage() {
  const { by, id, reading } = tokensRoute.value;
  const isOfBatches = by === 'batch';
  return (
    <main class={site.link.value.state === 'up' ? 'console tokens' : 'console tokens not-live'}>
      <div class="console-main">
        <TokenFigures />
        {isOfBatches ? (
          <BatchList />
        ) : (
          <>
            <AccountList by={by} />
            <LedgerReadings />
          </>
        )}
      </div>
      {isOfBatches && id !== undefined ? (
        <section class="panel aside" aria-label="Selected batch">
          <BatchDetail id={id} />
        </section>
      ) : !isOfBatches && reading !== undefined ? (
        <LedgerReadingDetail />
      ) : (
        <MeterEvents />
      )}
    </main>
  );
}
