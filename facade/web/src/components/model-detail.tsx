import { useSignal } from '@preact/signals';
import type { ModelPointView, ModelView } from '../../../../actors/client/model-schemas.js';
import { parsePointAddress } from '../../../../site/points.js';
import { formatValue } from '../format.js';
import { api, go, mayI, model, models, route, site } from '../page.js';
import { formatRoute } from '../route.js';
import { modelAddress } from '../state/models-store.js';
import { WriteFlow, type WritablePoint } from '../state/write-flow.js';
import { Age, QualityMark } from './marks.js';
import { TrendPanel } from './trend-panel.js';
import { VirtualGrid } from './virtual-grid.js';
import { WriteDialog } from './write-dialog.js';

/** The selected model: what it is, its points, and the trend of one. */
export function ModelDetail() {
  const detail = model.detail.value;
  const status = model.link.status.value;
  const chosen = route.value.page === 'models' ? route.value.id : undefined;
  if (detail === undefined)
    return (
      <section class="detail" aria-label="Selected model">
        <p class="empty">
          {chosen === undefined
            ? 'Choose a model to see its values.'
            : status.state === 'missing' || status.state === 'reconnecting'
              ? status.message
              : 'Loading…'}
        </p>
      </section>
    );
  return (
    <section class="detail" aria-label="Selected model">
      <Facts view={detail.model} />
      <Points key={detail.model.id} id={detail.model.id} all={detail.points} />
      <TrendPanel />
    </section>
  );
}

function Facts({ view }: { view: ModelView }) {
  const parent = models.models.value.find(({ id }) => id === view.parent);
  const parameters = Object.entries(view.parameters);
  return (
    <div class="channel-detail">
      <div class="channel-title">
        <h2>
          {view.name} {view.name === view.id ? null : <span class="dim">{view.id}</span>}
        </h2>
        <span class="dim">
          {view.template}, {view.source === 'site' ? 'of the site file' : 'made by a caller'}
        </span>
        {parent === undefined ? null : (
          <span>
            part of{' '}
            <a href={formatRoute({ page: 'models', id: parent.id, point: undefined })} class="plain-link">
              {parent.name}
            </a>
          </span>
        )}
      </div>
      {view.problem === null ? null : (
        <p class="refusal last-error">
          <b class="letter">!</b> {view.problem}
        </p>
      )}
      {parameters.length === 0 ? null : (
        <dl class="facts">
          {parameters.map(([name, value]) => (
            <div key={name}>
              <dt>{name.replaceAll('_', ' ')}</dt>
              <dd>{String(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function Points({ id, all }: { id: string; all: readonly ModelPointView[] }) {
  const text = useSignal('');
  const writing = useSignal<WriteFlow | undefined>(undefined);
  const status = model.link.status.value;
  const isLive = status.state === 'live' && site.link.value.state === 'up';
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const shown = all.filter(({ name, title }) => {
    const haystack = `${name} ${title}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
  const write = (point: ModelPointView) => {
    if (point.writable && mayI('operate')) writing.value = new WriteFlow(api, toWritable(id, point));
  };
  const written = all.find(({ name }) => modelAddress(id, name) === writing.value?.point.address);
  return (
    <div class={isLive ? 'points' : 'points not-live'}>
      <div class="tools">
        <input
          type="search"
          placeholder="Filter points"
          aria-label="Filter points by name or title"
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
        <span class="spring" />
        {status.state === 'reconnecting' || status.state === 'missing' ? (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {status.message}
          </span>
        ) : null}
      </div>
      <VirtualGrid
        id="model-points"
        label="Points"
        headings={['Point', 'Value', 'Unit', 'Quality', 'Age', 'From', '']}
        rows={shown}
        rowKey={({ name }) => name}
        selected={route.value.page === 'models' ? route.value.point : undefined}
        onSelect={({ name }) => go({ page: 'models', id, point: name })}
        onKey={(key, point) => {
          if (key === 'w') write(point);
        }}
        rowClass={(point) => (isUnset(point) ? '' : `quality-row-${point.quality}`)}
        empty={all.length === 0 ? 'No points.' : 'No point matches the filter.'}
        render={(point) => (
          <>
            <span role="gridcell" class="text" title={`${point.name}${point.description && `: ${point.description}`}`}>
              {point.title}
            </span>
            <span role="gridcell" class="number value text">
              {inWords(point)}
            </span>
            <span role="gridcell" class="dim text">
              {point.unit}
            </span>
            <span role="gridcell">
              {isUnset(point) ? <span class="dim">not set</span> : <QualityMark quality={point.quality} />}
            </span>
            <span role="gridcell" class="number">
              {isUnset(point) ? '' : <Age time={point.time} />}
            </span>
            <span role="gridcell" class="text dim">
              <From point={point} />
            </span>
            <span role="gridcell">
              {point.writable && mayI('operate') ? (
                <button
                  type="button"
                  class="small"
                  disabled={site.link.value.state === 'away'}
                  title={`Write ${point.title} ( w )`}
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
          now={written === undefined ? undefined : toWritable(id, written)}
          onClose={() => (writing.value = undefined)}
        />
      )}
    </div>
  );
}

/** It stands for no channel's point, and nobody has said what it is: nothing is wrong with it. */
function isUnset({ point, expression, time }: ModelPointView): boolean {
  return point === null && expression === undefined && time === null;
}

/** What an enumeration means stands instead of its number. */
function inWords({ value, kind, symbols }: ModelPointView): string {
  const word = value === null ? undefined : symbols?.[String(value)];
  return word === undefined ? formatValue(value, kind) : `${word} (${value})`;
}

function From({ point }: { point: ModelPointView }) {
  if (point.expression !== undefined && point.point === null) return <span title={point.expression}>computed</span>;
  const address = point.point === null ? undefined : parsePointAddress(point.point);
  if (address === undefined) return <>set</>;
  const { channel, kind, id } = address;
  return (
    <a
      href={formatRoute({ page: 'channels', channel, point: { kind, id } })}
      class="plain-link"
      onClick={(event) => event.stopPropagation()}
    >
      {channel}:{kind}:{id}
    </a>
  );
}

function toWritable(id: string, { name, title, ...point }: ModelPointView): WritablePoint {
  return { ...point, address: modelAddress(id, name), name: title };
}
