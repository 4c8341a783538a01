import type { LedgerAccount } from '../../../../actors/client/ledger.js';
import type { AccountKind } from '../../../../site/minting/ledger.js';
import { formatAmount, formatTime } from '../format.js';
import { accounts, go, mayI, me, now, tokensRoute } from '../page.js';
import { TOKENS_VIEWS, type TokensView } from '../route.js';
import { ACCOUNT_NAMES, formatTokens } from '../state/token-words.js';
import { VirtualGrid } from './virtual-grid.js';

/** Users, wallets or meters, each with what became of its readings. */
export function AccountList({ by }: { by: AccountKind }) {
  const shown = accounts.accounts.value;
  const problem = accounts.poll.problem.value;
  const decimals = accounts.totals.value?.decimals ?? 0;
  return (
    <section class={problem === undefined ? 'panel' : 'panel not-live'} aria-label="Accounts">
      <div class="tools">
        <TokensViews view={by} />
        <input
          type="search"
          data-filter
          placeholder={`Filter ${ACCOUNT_NAMES[by].many} ( / )`}
          aria-label={`Filter ${ACCOUNT_NAMES[by].many} by name, user or wallet`}
          autocomplete="off"
          spellcheck={false}
          maxLength={128}
          value={accounts.text.value}
          onInput={(event) => accounts.find(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') accounts.find('');
            if (event.key !== 'ArrowDown') return;
            event.preventDefault();
            document.querySelector<HTMLElement>('.grid-accounts .grid-body')?.focus();
          }}
        />
        {problem === undefined ? null : (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {problem}
          </span>
        )}
      </div>
      <VirtualGrid
        id="accounts"
        label="Accounts"
        headings={[
          ACCOUNT_NAMES[by].one,
          by === 'user' ? 'Meters' : 'Whose',
          'Newest',
          'Minted',
          'Pending',
          'Failed',
          'Held',
          'kWh',
          'Tokens',
        ]}
        rows={shown}
        rowKey={({ id }) => id}
        selected={tokensRoute.value.id}
        onSelect={({ id }) =>
          go({ page: 'tokens', by, id: id === tokensRoute.value.id ? undefined : id, reading: undefined })
        }
        empty={<NoAccount />}
        render={(account) => <Cells account={account} by={by} decimals={decimals} />}
      />
      <p class="note dim">
        <span role="status">
          {accounts.hasMore.value ? 'the first ' : ''}
          {shown.length} {ACCOUNT_NAMES[by].many}
        </span>
        {accounts.hasMore.value ? (
          <button type="button" class="small" onClick={() => accounts.more()}>
            Load more
          </button>
        ) : null}
        <span>readings minted, pending, failed and held; kWh and tokens minted</span>
      </p>
    </section>
  );
}

function Cells({ account, by, decimals }: { account: LedgerAccount; by: AccountKind; decimals: number }) {
  const { id, user, meters, latest, minted, pending, failed, held } = account;
  const whose = by === 'user' ? `${meters} ${meters === 1 ? 'meter' : 'meters'}` : user;
  return (
    <>
      <span role="gridcell" class="text" title={id}>
        {id}
      </span>
      <span role="gridcell" class="text dim" title={whose}>
        {whose}
      </span>
      <span role="gridcell" class="number dim">
        {formatTime(latest, now.value)}
      </span>
      <span role="gridcell" class="number">
        {minted.readings}
      </span>
      <span role="gridcell" class="number">
        {pending.readings}
      </span>
      <span role="gridcell" class={failed.readings > 0 ? 'number refusal' : 'number dim'}>
        {failed.readings > 0 ? '✕ ' : ''}
        {failed.readings}
      </span>
      <span role="gridcell" class={held.readings > 0 ? 'number ledger-held' : 'number dim'}>
        {held.readings > 0 ? 'H ' : ''}
        {held.readings}
      </span>
      <span role="gridcell" class="number text value" title={`${minted.kwh} kWh minted`}>
        {formatAmount(minted.kwh)}
      </span>
      <span role="gridcell" class="number text value" title={`${formatTokens(minted.tokens, decimals)} tokens minted`}>
        {formatTokens(minted.tokens, decimals)}
      </span>
    </>
  );
}

const VIEW_NAMES: Readonly<Record<TokensView, string>> = {
  user: 'users',
  wallet: 'wallets',
  meter: 'meters',
  batch: 'mint batches',
};

/** What the list is of. Owners of meters are the only user that they see, and see no batches. */
export function TokensViews({ view }: { view: TokensView }) {
  const views = TOKENS_VIEWS.filter((each) => mayI('read') || each === 'meter' || each === 'wallet');
  return (
    <div class="chips" role="group" aria-label="Show">
      {views.map((each) => (
        <button
          key={each}
          type="button"
          class="chip"
          aria-pressed={view === each}
          onClick={() => go({ page: 'tokens', by: each, id: undefined, reading: undefined })}
        >
          {VIEW_NAMES[each]}
        </button>
      ))}
    </div>
  );
}

/** Why there is nothing, and what to do about it. */
function NoAccount() {
  if (!accounts.poll.hasAnswer.value)
    return <>{accounts.poll.problem.value === undefined ? 'Loading…' : 'Nothing has been read.'}</>;
  if (accounts.text.value.trim() !== '') return <>Nothing matches the filter.</>;
  if (!mayI('read'))
    return (
      <>There are no readings of meters of {me.value?.name} yet. They come here as soon as a meter has given one.</>
    );
  if (accounts.hasMeters.value !== false) return <>No meter has given a reading yet.</>;
  return (
    <>
      This site has no meters. Register one with <code>statewatt meters register</code>, over HTTP, or under{' '}
      <code>meters</code> in site.yaml.
    </>
  );
}
