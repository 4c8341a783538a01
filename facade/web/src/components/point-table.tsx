import { useSignal } from '@preact/signals';
import type { PointView } from '../../../../actors/client/schemas.js';
import type { PointKind } from '../../../../site/points.js';
import { formatValue } from '../format.js';
import { api, charted, go, mayI, points, site } from '../page.js';
import { WriteFlow } from '../state/write-flow.js';
import { Age, QualityMark } from './marks.js';
import { VirtualGrid } from './virtual-grid.js';
import { WriteDialog } from './write-dialog.js';

const KIND_NAMES: Readonly<Record<PointKind, string>> = {
  T: 'telemetry',
  S: 'signals',
  C: 'controls',
  A: 'adjustments',
};

/** The points of the selected channel, live. `dimmed`: what is shown is of before. */
export function PointTable({ dimmed }: { dimmed: boolean }) {
  const text = useSignal('');
  const kind = useSignal<PointKind | undefined>(undefined);
  const writing = useSignal<WriteFlow | undefined>(undefined);
  const all = points.points.value;
  const status = points.status.value;
  const needle = text.value.trim().toLowerCase();
  const shown = all.filter(
    (point) =>
      (kind.value === undefined || point.kind === kind.value) &&
      (needle === '' || `${point.kind}:${point.id} ${point.name}`.toLowerCase().includes(needle)),
  );
  const write = (point: PointView) => {
    if (point.writable && mayI('operate')) writing.value = new WriteFlow(api, point);
  };
  return (
    <div class={dimmed ? 'points not-live' : 'points'}>
      <div class="tools">
        <input
          type="search"
          placeholder="Filter points"
          aria-label="Filter points by id or name"
          autocomplete="off"
          spellcheck={false}
          value={text.value}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') text.value = '';
          }}
        />
        <div class="chips" role="group" aria-label="Filter by kind">
          {(Object.keys(KIND_NAMES) as PointKind[])
            .filter((name) => all.some((point) => point.kind === name))
            .map((name) => (
              <button
                key={name}
                type="button"
                class="chip"
                aria-pressed={kind.value === name}
                onClick={() => {
                  kind.value = kind.value === name ? undefined : name;
                }}
              >
                <b>{name}</b> {KIND_NAMES[name]} {all.filter((point) => point.kind === name).length}
              </button>
            ))}
        </div>
        <span class="spring" />
        {status.state === 'reconnecting' || status.state === 'missing' ? (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {status.message}
          </span>
        ) : null}
      </div>
      <VirtualGrid
        id="points"
        label="Points"
        headings={['Point', 'Name', 'Value', 'Unit', 'Quality', 'Age', '']}
        rows={shown}
        rowKey={(point) => `${point.kind}:${point.id}`}
        selected={charted.value === undefined ? undefined : `${charted.value.kind}:${charted.value.id}`}
        onSelect={({ channel, kind: pointKind, id }) =>
          go({ page: 'channels', channel, point: { kind: pointKind, id } })
        }
        onKey={(key, point) => {
          if (key === 'w') write(point);
        }}
        rowClass={(point) => `quality-row-${point.quality}`}
        empty={
          status.state === 'loading' ? 'Loading…' : all.length === 0 ? 'No points.' : 'No point matches the filter.'
        }
        render={(point) => (
          <>
            <span role="gridcell" class="dim">
              {point.kind}:{point.id}
            </span>
            <span role="gridcell" class="text" title={point.address}>
              {point.name}
            </span>
            <span role="gridcell" class="number value">
              {formatValue(point.value, point.kind)}
            </span>
            <span role="gridcell" class="dim">
              {point.unit}
            </span>
            <span role="gridcell">
              <QualityMark quality={point.quality} />
            </span>
            <span role="gridcell" class="number">
              <Age time={point.time} />
            </span>
            <span role="gridcell">
              {point.writable && mayI('operate') ? (
                <button
                  type="button"
                  class="small"
                  disabled={site.link.value.state === 'away'}
                  title={`Write ${point.name} ( w )`}
                  onClick={(event) => {
                    event.stopPropagation();
                    write(point);
                  }}
                >
                  Write…
                </button>
              ) : null}
            </span>
          </>
        )}
      />
      {writing.value === undefined ? null : (
        <WriteDialog
          flow={writing.value}
          now={all.find((point) => point.address === writing.value?.point.address)}
          onClose={() => (writing.value = undefined)}
        />
      )}
    </div>
  );
}
