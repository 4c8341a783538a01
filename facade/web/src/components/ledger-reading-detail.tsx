import { useSignal } from '@preact/signals';
import type { LedgerReading } from '../../../../actors/client/ledger.js';
import type { Decision } from '../ledger-api.js';
import { formatAmount, formatTime } from '../format.js';
import { accounts, ledgerApi, ledgerReading, mayI, now, readLedgerSoon, site } from '../page.js';
import { formatRoute } from '../route.js';
import { formatTokens, STATUS_MEANINGS } from '../state/token-words.js';
import { AskDialog, type Question } from './ask-dialog.js';
import { BatchDetail } from './batch-detail.js';
import { Age } from './marks.js';
import { LedgerStatusMark } from './token-marks.js';

/** The chosen reading: what it says, what became of it and why, and what may be done about it. */
export function LedgerReadingDetail() {
  const reading = ledgerReading.reading.value;
  const problem = ledgerReading.poll.problem.value;
  return (
    <section class="panel aside" aria-label="Selected reading">
      {problem === undefined ? null : (
        <p class="refusal" role="status">
          <b class="letter">!</b> {problem}
        </p>
      )}
      {reading === undefined ? (
        problem === undefined ? (
          <p class="empty">Loading…</p>
        ) : null
      ) : (
        <>
          <Facts reading={reading} />
          {reading.status === 'held' ? <Held key={`${reading.meter}/${reading.sequence}`} reading={reading} /> : null}
          {reading.batch !== null && mayI('read') ? <BatchDetail id={reading.batch} isPart /> : null}
        </>
      )}
    </section>
  );
}

function Facts({ reading }: { reading: LedgerReading }) {
  const { meter, sequence, start, end, kwh, tokens, status, since, user, wallet, batch, signature } = reading;
  const decimals = accounts.totals.value?.decimals;
  return (
    <>
      <h2>
        {meter}, reading {sequence}
      </h2>
      <p class="marks">
        <LedgerStatusMark status={status} />
        <span class="dim">
          for <Age time={since} />
        </span>
      </p>
      <p>{STATUS_MEANINGS[status]}</p>
      <dl class="facts">
        <div>
          <dt>Energy</dt>
          <dd>{formatAmount(kwh)} kWh</dd>
        </div>
        <div>
          <dt>Tokens</dt>
          <dd>{decimals === undefined ? '–' : formatTokens(tokens, decimals)}</dd>
        </div>
        <div>
          <dt>Interval</dt>
          <dd>
            {formatTime(start, now.value)} to {formatTime(end, now.value)}
          </dd>
        </div>
        <div>
          <dt>User</dt>
          <dd>
            {mayI('read') ? (
              <a href={formatRoute({ page: 'tokens', by: 'user', id: user, reading: undefined })}>{user}</a>
            ) : (
              user
            )}
          </dd>
        </div>
        <div>
          <dt>Wallet</dt>
          <dd class="code">
            <a href={formatRoute({ page: 'tokens', by: 'wallet', id: wallet, reading: undefined })}>{wallet}</a>
          </dd>
        </div>
        {batch === null || mayI('read') ? null : (
          <div>
            <dt>Batch</dt>
            <dd>{batch}</dd>
          </div>
        )}
        {signature === null ? null : (
          <div>
            <dt>Transaction</dt>
            <dd class="code">{signature}</dd>
          </div>
        )}
      </dl>
    </>
  );
}

const DECISIONS: Readonly<Record<Decision, { title: string; text: string }>> = {
  release: { title: 'Let it through', text: 'It is accepted, and tokens are minted for it.' },
  refuse: { title: 'Refuse it', text: 'There will never be tokens for it.' },
};

/** Why it is held, and the two ways on. */
function Held({ reading }: { reading: LedgerReading }) {
  const question = useSignal<Question | undefined>(undefined);
  const held = ledgerReading.held.value;
  const { meter, sequence, kwh } = reading;
  const ask = (decision: Decision) => {
    const { title, text } = DECISIONS[decision];
    question.value = {
      title,
      text: `Reading ${sequence} of ${meter}, ${formatAmount(kwh)} kWh. ${text}`,
      needsName: true,
      run: async (by) => {
        await ledgerApi.decide(meter, decision, sequence, by);
        readLedgerSoon();
      },
    };
  };
  return (
    <>
      {held === undefined ? null : (
        <p>
          <b>Held</b> at {formatTime(held.at, now.value)}: {held.reason}
        </p>
      )}
      {mayI('operate') ? (
        <div class="buttons">
          {(['release', 'refuse'] as const).map((decision) => (
            <button
              key={decision}
              type="button"
              disabled={site.link.value.state === 'away'}
              onClick={() => ask(decision)}
            >
              {DECISIONS[decision].title}…
            </button>
          ))}
        </div>
      ) : null}
      {question.value === undefined ? null : (
        <AskDialog question={question.value} onClose={() => (question.value = undefined)} />
      )}
    </>
  );
}
