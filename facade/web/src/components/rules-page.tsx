import { go, route, rules, site } from '../page.js';
import { conditionLines, RULE_STATE_NAMES, type RuleState } from '../state/rule-words.js';
import { Age } from './marks.js';
import { RuleDetail } from './rule-detail.js';
import { RuleStateMark } from './rule-marks.js';
import { VirtualGrid } from './virtual-grid.js';

/** The rules of the site; of the selected one what it watches, does and has done. */
export function RulesPage() {
  return (
    <main class={site.link.value.state === 'up' ? 'console' : 'console not-live'}>
      <RuleList />
      <RuleDetail />
    </main>
  );
}

function RuleList() {
  const { state, text } = rules.filter.value;
  const shown = rules.rules.value;
  const problem = rules.poll.problem.value;
  const isFiltered = state !== undefined || text !== '';
  return (
    <section class={problem === undefined ? 'panel' : 'panel not-live'} aria-label="Rules">
      <div class="tools">
        <input
          type="search"
          data-filter
          placeholder="Filter rules ( / )"
          aria-label="Filter rules by id, name or description"
          autocomplete="off"
          spellcheck={false}
          value={text}
          onInput={(event) => rules.show({ text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Escape') rules.show({ text: '' });
            if (event.key !== 'ArrowDown') return;
            event.preventDefault();
            document.querySelector<HTMLElement>('.grid-rules .grid-body')?.focus();
          }}
        />
        {problem === undefined ? null : (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {problem}
          </span>
        )}
      </div>
      <div class="chips" role="group" aria-label="Filter by state">
        {(Object.keys(RULE_STATE_NAMES) as RuleState[]).map((name) => (
          <button
            key={name}
            type="button"
            class="chip"
            aria-pressed={state === name}
            onClick={() => rules.show({ state: state === name ? undefined : name })}
          >
            <RuleStateMark state={name} />
          </button>
        ))}
      </div>
      <VirtualGrid
        id="rules"
        label="Rules"
        headings={['State', 'Rule', 'Condition', 'Since', 'Fired', 'Runs']}
        rows={shown}
        rowKey={(rule) => rule.id}
        selected={route.value.page === 'rules' ? route.value.id : undefined}
        onSelect={({ id }) => go({ page: 'rules', id })}
        rowClass={(rule) => (rule.enabled ? '' : 'dim')}
        empty={
          !rules.poll.hasAnswer.value
            ? 'Loading…'
            : isFiltered
              ? 'No rule matches the filter.'
              : 'This site has no rules. They are configured in site.yaml or made over HTTP.'
        }
        render={(rule) => (
          <>
            <span role="gridcell">
              <RuleStateMark state={rule.state} />
            </span>
            <span role="gridcell" class="text" title={rule.id}>
              {rule.problem === null ? null : (
                <b class="letter refusal" title={rule.problem}>
                  !
                </b>
              )}
              {rule.name}
            </span>
            <span role="gridcell" class="text dim code">
              {conditionLines(rule.condition).lines.join('; ')}
            </span>
            <span role="gridcell" class="number dim">
              {rule.since === 0 ? '–' : <Age time={rule.since} />}
            </span>
            <span role="gridcell" class="number dim">
              <Age time={rule.firedAt} />
            </span>
            <span role="gridcell" class="number dim">
              {rule.executions}
            </span>
          </>
        )}
      />
      <p class="note dim">
        <span role="status">{rules.hasMore.value ? `the first ${shown.length}` : shown.length} rules</span>
        {rules.hasMore.value ? (
          <button type="button" class="small" onClick={() => rules.more()}>
            Load more
          </button>
        ) : null}
      </p>
    </section>
  );
}
