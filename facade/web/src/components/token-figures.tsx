import { useSignal } from '@preact/signals';
import type { LedgerTotals } from '../../../../actors/client/ledger.js';
import { LEDGER_SUM_NAMES } from '../../../../site/minting/ledger.js';
import { formatAmount } from '../format.js';
import { accounts, go, ledgerApi, ledgerReadings, mayI, minting, readLedgerSoon, site } from '../page.js';
import { formatTokens, SUM_NAMES } from '../state/token-words.js';
import { AskDialog, type Question } from './ask-dialog.js';

/** How much has become tokens, what is on its way, and what waits for a person. */
export function TokenFigures() {
  const totals = accounts.totals.value;
  return (
    <section class="figures" aria-label="Totals">
      {totals === undefined ? null : <Sums totals={totals} />}
      {mayI('read') ? <Minting /> : null}
    </section>
  );
}

/** Sums of readings, each in kWh and tokens; what there is none of, and nobody waits for, is left out. */
export function Sums({ totals }: { totals: LedgerTotals }) {
  return (
    <dl class="facts sums">
      {LEDGER_SUM_NAMES.filter((name) => name === 'minted' || name === 'pending' || totals[name].readings > 0).map(
        (name) => {
          const { readings, kwh, tokens } = totals[name];
          return (
            <div key={name} class={`sum sum-${name}`}>
              <dt>{SUM_NAMES[name]}</dt>
              <dd>
                <b>{formatTokens(tokens, totals.decimals)} tokens</b>
                <span class="dim">
                  {' '}
                  {formatAmount(kwh)} kWh, {readings} {readings === 1 ? 'reading' : 'readings'}
                </span>
              </dd>
            </div>
          );
        },
      )}
    </dl>
  );
}

function Minting() {
  const question = useSignal<Question | undefined>(undefined);
  const view = minting.view.value;
  const off = minting.off.value;
  const problem = minting.poll.problem.value;
  const held = accounts.totals.value?.held.readings ?? 0;
  if (off !== undefined) return <p class="note dim">No tokens are minted here: {off}.</p>;
  if (view === undefined)
    return problem === undefined ? null : (
      <p class="note refusal" role="status">
        <b class="letter">!</b> Minting: {problem}
      </p>
    );
  const parked = view.open.filter(({ state }) => state === 'parked').length;
  return (
    <div class="minting">
      {view.problem === null ? null : (
        <p class="banner banner-refusing" role="status">
          <b class="letter">!</b> Nothing is minted now: {view.problem}
        </p>
      )}
      <p class="note">
        <span class="dim">
          {view.auto ? 'Minted by itself' : 'Minted when somebody says so'}: {view.waiting} readings wait, {view.moving}{' '}
          batches on their way
          {view.wanted ? ', all that waits is wanted' : ''}.
        </span>
        {parked === 0 ? null : (
          <button
            type="button"
            class="link refusal"
            onClick={() => go({ page: 'tokens', by: 'batch', id: undefined, reading: undefined })}
          >
            <b class="letter">✕</b>
            {parked === 1 ? '1 batch is parked' : `${parked} batches are parked`}: see to it
          </button>
        )}
        {held === 0 ? null : (
          <button
            type="button"
            class="link"
            onClick={() => {
              go({ page: 'tokens', by: 'meter', id: undefined, reading: undefined });
              ledgerReadings.show('held');
            }}
          >
            <b class="letter">H</b>
            {held === 1 ? '1 reading is held' : `${held} readings are held`}: decide
          </button>
        )}
        {mayI('operate') && view.waiting > 0 ? (
          <button
            type="button"
            class="small"
            disabled={site.link.value.state === 'away'}
            onClick={() => {
              question.value = {
                title: 'Mint now',
                text: `All that waits is minted now: ${view.waiting} readings.`,
                needsName: false,
                run: async () => {
                  minting.view.value = await ledgerApi.mint();
                  readLedgerSoon();
                },
              };
            }}
          >
            Mint now…
          </button>
        ) : null}
      </p>
      {question.value === undefined ? null : (
        <AskDialog question={question.value} onClose={() => (question.value = undefined)} />
      )}
    </div>
  );
}
