import { useSignal } from '@preact/signals';
import type { MintBatchView } from '../../../../actors/client/minting.js';
import { formatAmount, formatTime } from '../format.js';
import { accounts, ledgerApi, mayI, mintBatch, now, readLedgerSoon, site } from '../page.js';
import { formatRoute } from '../route.js';
import { BATCH_MEANINGS, canRetry, formatTokens } from '../state/token-words.js';
import { AskDialog, type Question } from './ask-dialog.js';
import { Age } from './marks.js';
import { BatchStateMark } from './token-marks.js';

/** Readings of a batch that are listed. */
const SHOWN = 100;

/**
 * A mint batch: how far it is, what it cost, what went wrong, and the way on for who may.
 *
 * @param isPart it stands below a reading that is in it
 */
export function BatchDetail({ id, isPart = false }: { id: string; isPart?: boolean }) {
  const batch = mintBatch.batch.value;
  const problem = mintBatch.poll.problem.value;
  if (batch === undefined || batch.id !== id)
    return problem === undefined ? (
      <p class="empty">Loading…</p>
    ) : (
      <p class="refusal" role="status">
        <b class="letter">!</b> {problem}
      </p>
    );
  const title = `Batch ${batch.id}`;
  return (
    <>
      {isPart ? (
        <h3>
          <a href={formatRoute({ page: 'tokens', by: 'batch', id, reading: undefined })}>{title}</a>
        </h3>
      ) : (
        <h2>{title}</h2>
      )}
      <p class="marks">
        <BatchStateMark state={batch.state} />
        <span class="dim">
          for <Age time={batch.since} />
        </span>
      </p>
      <p>{BATCH_MEANINGS[batch.state]}</p>
      {batch.error === null ? null : (
        <p class={batch.state === 'settled' || batch.state === 'split' ? 'dim' : 'refusal'}>
          {formatTime(batch.error.at, now.value)}: {batch.error.message} <code>{batch.error.code}</code>
        </p>
      )}
      {mayI('operate') && canRetry(batch.state) ? <Retry batch={batch} /> : null}
      <Facts batch={batch} isPart={isPart} />
      {isPart ? null : <Items batch={batch} />}
    </>
  );
}

function Retry({ batch }: { batch: MintBatchView }) {
  const question = useSignal<Question | undefined>(undefined);
  return (
    <div class="buttons">
      <button
        type="button"
        disabled={site.link.value.state === 'away'}
        onClick={() => {
          question.value = {
            title: 'Retry now',
            text: `Batch ${batch.id} with ${batch.items.length} readings is tried again. The chain is asked first: nothing is minted twice.`,
            needsName: false,
            run: async () => {
              mintBatch.put(await ledgerApi.retry(batch.id));
              readLedgerSoon();
            },
          };
        }}
      >
        Retry now…
      </button>
      {question.value === undefined ? null : (
        <AskDialog question={question.value} onClose={() => (question.value = undefined)} />
      )}
    </div>
  );
}

function Facts({ batch, isPart }: { batch: MintBatchView; isPart: boolean }) {
  const { tokens, createdAt, attempts, transaction, outcome, retryAt, parent, children } = batch;
  const decimals = accounts.totals.value?.decimals;
  const signature = transaction?.signature ?? null;
  const lamports = (amount: string) => `${formatAmount(amount)} lamports`;
  return (
    <dl class="facts">
      <div>
        <dt>Tokens</dt>
        <dd>{decimals === undefined ? '–' : formatTokens(tokens, decimals)}</dd>
      </div>
      <div>
        <dt>Made</dt>
        <dd>{formatTime(createdAt, now.value)}</dd>
      </div>
      <div>
        <dt>Tries</dt>
        <dd>{attempts}</dd>
      </div>
      {retryAt === null ? null : (
        <div>
          <dt>Next try</dt>
          <dd>{formatTime(retryAt, now.value)}</dd>
        </div>
      )}
      {transaction === null ? null : (
        <div>
          <dt>Fee expected</dt>
          <dd>
            {lamports(transaction.feeEstimate)}
            {transaction.rentEstimate === '0' ? '' : `, rent ${lamports(transaction.rentEstimate)}`}
          </dd>
        </div>
      )}
      {outcome === null ? null : (
        <div>
          <dt>Fee paid</dt>
          <dd>
            {outcome.fee === null ? 'not known' : lamports(outcome.fee)}, slot {outcome.slot}
          </dd>
        </div>
      )}
      {signature === null || (isPart && outcome !== null) ? null : (
        <div>
          <dt>Transaction</dt>
          <dd class="code">{signature}</dd>
        </div>
      )}
      {[...(parent === null ? [] : [parent]), ...children].map((other) => (
        <div key={other}>
          <dt>{other === parent ? 'Part of' : 'Went on in'}</dt>
          <dd>
            <a href={formatRoute({ page: 'tokens', by: 'batch', id: other, reading: undefined })}>{other}</a>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Items({ batch: { items } }: { batch: MintBatchView }) {
  const decimals = accounts.totals.value?.decimals;
  return (
    <>
      <h3>{items.length} readings</h3>
      <ol class="journal dated">
        {items.slice(0, SHOWN).map(({ meter, sequence, end, tokens, user }) => (
          <li key={`${meter}/${sequence}`}>
            <span class="dim">{formatTime(end, now.value)}</span>
            <span>
              <a href={formatRoute({ page: 'tokens', by: 'meter', id: meter, reading: { meter, sequence } })}>
                {meter}, {sequence}
              </a>{' '}
              of {user}: {decimals === undefined ? '' : `${formatTokens(tokens, decimals)} tokens`}
            </span>
          </li>
        ))}
      </ol>
      {items.length > SHOWN ? <p class="dim">and {items.length - SHOWN} more</p> : null}
    </>
  );
}
