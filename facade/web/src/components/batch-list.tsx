import { go, minting, now, tokensRoute } from '../page.js';
import { formatTime } from '../format.js';
import { BATCH_MEANINGS } from '../state/token-words.js';
import { TokensViews } from './account-list.js';
import { BatchStateMark } from './token-marks.js';
import { VirtualGrid } from './virtual-grid.js';

/** Mint batches that are not settled, those that wait for a person first, and the last that were. */
export function BatchList() {
  const view = minting.view.value;
  const problem = minting.poll.problem.value;
  const open = view?.open ?? [];
  const parked = open.filter(({ state }) => state === 'parked');
  const rows = [...parked, ...open.filter(({ state }) => state !== 'parked'), ...(view?.recent ?? [])];
  return (
    <section class={problem === undefined ? 'panel' : 'panel not-live'} aria-label="Mint batches">
      <div class="tools">
        <TokensViews view="batch" />
        {problem === undefined ? null : (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {problem}
          </span>
        )}
      </div>
      <VirtualGrid
        id="batches"
        label="Mint batches"
        headings={['State', 'Batch', 'Readings', 'Since', 'What that means']}
        rows={rows}
        rowKey={({ id }) => id}
        selected={tokensRoute.value.id}
        onSelect={({ id }) => go({ page: 'tokens', by: 'batch', id, reading: undefined })}
        rowClass={({ state }) => (state === 'parked' ? 'batch-row waiting' : 'batch-row')}
        empty={
          minting.off.value !== undefined
            ? `No tokens are minted here: ${minting.off.value}.`
            : !minting.poll.hasAnswer.value
              ? problem === undefined
                ? 'Loading…'
                : 'Nothing has been read.'
              : 'There has been no batch yet.'
        }
        render={({ id, state, readings, since }) => (
          <>
            <span role="gridcell" class="text">
              <BatchStateMark state={state} />
            </span>
            <span role="gridcell" class="text" title={id}>
              {id}
            </span>
            <span role="gridcell" class="number">
              {readings}
            </span>
            <span role="gridcell" class="number dim">
              {formatTime(since, now.value)}
            </span>
            <span role="gridcell" class="text dim" title={BATCH_MEANINGS[state]}>
              {BATCH_MEANINGS[state]}
            </span>
          </>
        )}
      />
      <p class="note dim">
        <span role="status">
          {open.length} not settled, {parked.length} of them parked
        </span>
        <span>below them the last that were settled or split</span>
      </p>
    </section>
  );
}
