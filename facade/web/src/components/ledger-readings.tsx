import type { LedgerReading } from '../../../../actors/client/ledger.js';
import { LEDGER_STATUSES } from '../../../../site/minting/ledger.js';
import { formatAmount, formatInterval, formatTime } from '../format.js';
import { accounts, go, ledgerReadings, mayI, now, tokensRoute } from '../page.js';
import { ACCOUNT_NAMES, formatTokens } from '../state/token-words.js';
import { LedgerStatusMark } from './token-marks.js';
import { Sums } from './token-figures.js';
import { VirtualGrid } from './virtual-grid.js';

/** The readings of the chosen account, or of all, the newest first. */
export function LedgerReadings() {
  const shown = ledgerReadings.readings.value;
  const { totals, status, poll } = ledgerReadings;
  const problem = poll.problem.value;
  const { by, id, reading } = tokensRoute.value;
  const name = by === 'batch' || id === undefined ? undefined : `${ACCOUNT_NAMES[by].one} ${id}`;
  return (
    <section class={problem === undefined ? 'panel' : 'panel not-live'} aria-label="Readings">
      <div class="tools">
        <h2 class="text" title={name}>
          {name ?? 'All readings'}
        </h2>
        {name === undefined ? (
          <span class="dim">{mayI('read') ? 'in the order of their meters' : 'the newest first'}</span>
        ) : (
          <button
            type="button"
            class="small"
            onClick={() => go({ page: 'tokens', by, id: undefined, reading: undefined })}
          >
            Show all
          </button>
        )}
        <span class="spring" />
        <a href={ledgerReadings.exportUrl} download="ledger.csv" title="All that match, oldest first">
          CSV
        </a>
      </div>
      {totals.value === undefined ? null : <Sums totals={totals.value} />}
      <div class="chips" role="group" aria-label="Filter by status">
        {LEDGER_STATUSES.map((each) => (
          <button
            key={each}
            type="button"
            class="chip"
            aria-pressed={status.value === each}
            onClick={() => ledgerReadings.show(status.value === each ? undefined : each)}
          >
            <LedgerStatusMark status={each} />
          </button>
        ))}
      </div>
      {problem === undefined ? null : (
        <p class="note refusal" role="status">
          <b class="letter">!</b> Not live: {problem}
        </p>
      )}
      <VirtualGrid
        id="readings"
        label="Readings"
        headings={['To', 'Over', 'Meter', 'kWh', 'Tokens', 'Status', 'Batch', 'Transaction, or why not']}
        rows={shown}
        rowKey={keyOf}
        selected={reading === undefined ? undefined : keyOf(reading)}
        onSelect={({ meter, sequence }) => go({ page: 'tokens', by, id, reading: { meter, sequence } })}
        empty={
          !poll.hasAnswer.value
            ? problem === undefined
              ? 'Loading…'
              : 'Nothing has been read.'
            : status.value === undefined
              ? 'There are no readings.'
              : 'No reading has this status.'
        }
        render={(row) => <Cells reading={row} />}
      />
      <p class="note dim">
        <span role="status">
          {ledgerReadings.hasMore.value ? 'the first ' : ''}
          {shown.length} readings
        </span>
        {ledgerReadings.hasMore.value ? (
          <button type="button" class="small" onClick={() => ledgerReadings.more()}>
            Load more
          </button>
        ) : null}
      </p>
    </section>
  );
}

function keyOf({ meter, sequence }: Pick<LedgerReading, 'meter' | 'sequence'>): string {
  return `${meter}/${sequence}`;
}

function Cells({ reading }: { reading: LedgerReading }) {
  const { start, end, meter, kwh, tokens, status, batch, signature } = reading;
  const reason = status === 'failed' && batch !== null ? ledgerReadings.reasons.value.get(batch) : undefined;
  const decimals = accounts.totals.value?.decimals;
  const amount = decimals === undefined ? '' : formatTokens(tokens, decimals);
  return (
    <>
      <span role="gridcell" class="number dim">
        {formatTime(end, now.value)}
      </span>
      <span role="gridcell" class="number dim">
        {formatInterval(end - start)}
      </span>
      <span role="gridcell" class="text" title={meter}>
        {meter}
      </span>
      <span role="gridcell" class="number text value" title={kwh}>
        {formatAmount(kwh)}
      </span>
      <span role="gridcell" class="number text" title={amount}>
        {amount}
      </span>
      <span role="gridcell" class="text">
        <LedgerStatusMark status={status} />
      </span>
      <span role="gridcell" class="text dim" title={batch ?? undefined}>
        {batch ?? '–'}
      </span>
      <span
        role="gridcell"
        class={reason === undefined ? 'text dim code' : 'text refusal'}
        title={reason ?? signature ?? undefined}
      >
        {reason ?? signature ?? (status === 'held' ? 'waits for a person' : '–')}
      </span>
    </>
  );
}
