import type { LedgerStatus } from '../../../../site/minting/ledger.js';
import { STATUS_NAMES, type MintBatchState } from '../state/token-words.js';

/** A letter for what is not done, so that nothing is told by colour alone; what went well has none. */
const STATUS_LETTERS: Readonly<Record<LedgerStatus, string>> = {
  held: 'H',
  failed: '✕',
  accepted: '…',
  minting: '▸',
  minted: '',
  refused: '–',
};

export function LedgerStatusMark({ status }: { status: LedgerStatus }) {
  const letter = STATUS_LETTERS[status];
  return (
    <span class={`ledger-status ledger-${status}`}>
      {letter === '' ? null : (
        <b class="letter" aria-hidden="true">
          {letter}
        </b>
      )}
      {STATUS_NAMES[status]}
    </span>
  );
}

const BATCH_LETTERS: Partial<Record<MintBatchState, string>> = { parked: '✕', retrying: '↻', settled: '✓', split: '–' };

export function BatchStateMark({ state }: { state: MintBatchState }) {
  return (
    <span class={`ledger-status batch-${state}`}>
      <b class="letter" aria-hidden="true">
        {BATCH_LETTERS[state] ?? '▸'}
      </b>
      {state}
    </span>
  );
}
