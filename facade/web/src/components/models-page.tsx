import { useSignal } from '@preact/signals';
import { go, models, route, site } from '../page.js';
import { treeRows, type TreeRow } from '../state/model-tree.js';
import { ModelDetail } from './model-detail.js';
import { VirtualGrid } from './virtual-grid.js';

/** The models of the site as a tree; of the selected one its points and a trend. */
export function ModelsPage() {
  return (
    <main class={site.link.value.state === 'up' ? 'page' : 'page not-live'}>
      <ModelTree />
      <ModelDetail />
    </main>
  );
}

function ModelTree() {
  const text = useSignal('');
  const closed = useSignal<ReadonlySet<string>>(new Set());
  const all = models.models.value;
  const rows = treeRows(all, closed.value, text.value);
  const problem = models.poll.problem.value;
  const chosen = route.value.page === 'models' ? route.value.id : undefined;
  const fold = (row: TreeRow, isOpen: boolean) => {
    const next = new Set(closed.value);
    if (isOpen) next.delete(row.key);
    else next.add(row.key);
    closed.value = next;
  };
  return (
    <section class="panel" aria-label="Models">
      <div class="tools">
        <input
          type="search"
          data-filter
          placeholder="Filter models ( / )"
          aria-label="Filter models by id, name, template or product"
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') text.value = '';
            if (event.key !== 'ArrowDown') return;
            event.preventDefault();
            document.querySelector<HTMLElement>('.grid-models .grid-body')?.focus();
          }}
        />
        <span class="dim" role="status">
          {all.length}
        </span>
        {problem === undefined ? null : (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {problem}
          </span>
        )}
      </div>
      <VirtualGrid
        id="models"
        label="Models"
        headings={['Model', 'Template']}
        rows={rows}
        rowKey={(row) => row.key}
        selected={chosen === undefined ? undefined : `model-${chosen}`}
        onSelect={(row) => {
          if (row.type === 'product') fold(row, !row.isOpen);
          else go({ page: 'models', id: row.model.id, point: undefined });
        }}
        onKey={(key, row) => {
          if (key === 'ArrowRight') fold(row, true);
          if (key === 'ArrowLeft') fold(row, false);
        }}
        rowClass={(row) => `tree-${row.type}`}
        empty={
          !models.poll.hasAnswer.value
            ? 'Loading…'
            : all.length === 0
              ? 'This site has no models. They are configured in site.yaml or made over HTTP.'
              : 'No model matches the filter.'
        }
        render={(row) => (
          <>
            <span role="gridcell" class="text" style={{ paddingLeft: `${row.depth * 18}px` }}>
              <Fold row={row} onFold={() => fold(row, !row.isOpen)} />
              {row.type === 'product' ? (
                <>
                  <b>{row.product.replaceAll('_', ' ')}</b> <span class="dim">{row.count}</span>
                </>
              ) : (
                <>
                  {row.model.problem === null ? null : (
                    <b class="letter refusal" title={row.model.problem}>
                      !
                    </b>
                  )}
                  {row.model.name}
                </>
              )}
            </span>
            <span role="gridcell" class="text dim">
              {row.type === 'model' ? row.model.template : ''}
            </span>
          </>
        )}
      />
    </section>
  );
}

/** Opens and closes what has parts. */
function Fold({ row, onFold }: { row: TreeRow; onFold: () => void }) {
  if (row.type === 'model' && row.parts === 0) return <span class="fold" />;
  return (
    <button
      type="button"
      class="fold"
      tabIndex={-1}
      aria-label={row.isOpen ? 'Close' : 'Open'}
      onClick={(event) => {
        event.stopPropagation();
        onFold();
      }}
    >
      {row.isOpen ? '▾' : '▸'}
    </button>
  );
}
