import { useSignal } from '@preact/signals';
import type { AlarmCommandName, AlarmView } from '../../../../actors/client/alarms.js';
import { ALARM_LEVELS, type AlarmState } from '../../../../site/alarms.js';
import { formatTime } from '../format.js';
import { alarmDetail, alarms, alarmsApi, go, mayI, now, route, site } from '../page.js';
import { AlarmCommandFlow } from '../state/alarm-command-flow.js';
import { ALARM_STATE_NAMES, commandsFor } from '../state/alarm-list.js';
import { AlarmDialog } from './alarm-dialog.js';
import { AlarmStateMark, isQuiet, LevelMark } from './alarm-marks.js';
import { VirtualGrid } from './virtual-grid.js';

const KEYS: Readonly<Record<string, AlarmCommandName>> = { a: 'acknowledge', r: 'resolve', s: 'shelve' };

/** The alarms that match the filter, as they change. */
export function AlarmList() {
  const flow = useSignal<AlarmCommandFlow | undefined>(undefined);
  const shown = alarms.alarms.value;
  const total = Math.max(alarms.total.value, shown.length);
  const status = alarms.link.status.value;
  const mayOperate = mayI('operate');
  const command = (name: AlarmCommandName, alarm: AlarmView) => {
    if (!mayOperate || !commandsFor(alarm).includes(name)) return;
    flow.value = new AlarmCommandFlow(alarmsApi, alarm, name, (answer) => {
      alarms.put(answer);
      alarmDetail.note(answer);
    });
  };
  return (
    <section class={status.state === 'live' ? 'panel' : 'panel not-live'} aria-label="Alarms">
      <Filters />
      <VirtualGrid
        id="alarms"
        label="Alarms"
        headings={['Level', 'State', 'Alarm', 'Source', 'Raised', '']}
        rows={shown}
        rowKey={(alarm) => alarm.id}
        selected={route.value.page === 'alarms' ? route.value.id : undefined}
        onSelect={({ id }) => go({ page: 'alarms', id })}
        onKey={(key, alarm) => {
          const name = KEYS[key];
          if (name !== undefined) command(name, alarm);
        }}
        rowClass={(alarm) => (isQuiet(alarm) ? 'alarm-row' : 'alarm-row waiting')}
        empty={
          status.state === 'loading' || status.state === 'idle'
            ? 'Loading…'
            : status.state === 'live'
              ? 'No alarm matches.'
              : 'Nothing has been read.'
        }
        render={(alarm) => (
          <>
            <span role="gridcell">
              <LevelMark level={alarm.level} quiet={isQuiet(alarm)} />
            </span>
            <span role="gridcell" class="text">
              <AlarmStateMark state={alarm.state} />
            </span>
            <span role="gridcell" class="text alarm-title" title={alarm.description}>
              {alarm.title}
            </span>
            <span role="gridcell" class="text dim" title={alarm.source}>
              {alarm.source}
            </span>
            <span role="gridcell" class="number dim">
              {alarm.raisedAt === null ? '–' : formatTime(alarm.raisedAt, now.value)}
            </span>
            <span role="gridcell">
              {mayOperate && commandsFor(alarm).includes('acknowledge') ? (
                <button
                  type="button"
                  class="small"
                  disabled={site.link.value.state === 'away'}
                  title={`Acknowledge ${alarm.title} ( a )`}
                  onClick={(event) => {
                    event.stopPropagation();
                    command('acknowledge', alarm);
                  }}
                >
                  Ack…
                </button>
              ) : null}
            </span>
          </>
        )}
      />
      <p class="note dim">
        <span role="status">{shown.length === total ? `${total} alarms` : `${shown.length} of ${total} alarms`}</span>
        {shown.length < total ? (
          <button type="button" class="small" onClick={() => alarms.more()}>
            Load more
          </button>
        ) : null}
        {mayOperate ? <span class="keys">keys on a row: a acknowledge, s shelve, r resolve</span> : null}
      </p>
      {flow.value === undefined ? null : <AlarmDialog flow={flow.value} onClose={() => (flow.value = undefined)} />}
    </section>
  );
}

function Filters() {
  const filter = alarms.filter.value;
  const counts = alarms.statistics.value?.byState ?? {};
  const status = alarms.link.status.value;
  const toggle = (state: AlarmState) => {
    const { states } = filter;
    alarms.show({ states: states.includes(state) ? states.filter((other) => other !== state) : [...states, state] });
  };
  return (
    <>
      <div class="tools">
        <input
          type="search"
          data-filter
          placeholder="Filter alarms ( / )"
          aria-label="Filter alarms by title, description or source"
          autocomplete="off"
          spellcheck={false}
          value={filter.text}
          onInput={(event) => alarms.show({ text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === 'Escape') alarms.show({ text: '' });
            if (event.key !== 'ArrowDown') return;
            event.preventDefault();
            document.querySelector<HTMLElement>('.grid-alarms .grid-body')?.focus();
          }}
        />
        <div class="chips" role="group" aria-label="Order">
          {(['severity', 'newest'] as const).map((order) => (
            <button
              key={order}
              type="button"
              class="chip"
              aria-pressed={filter.order === order}
              onClick={() => alarms.show({ order })}
            >
              {order === 'severity' ? 'most severe first' : 'newest first'}
            </button>
          ))}
        </div>
        {status.state === 'reconnecting' || status.state === 'missing' ? (
          <span class="refusal" role="status">
            <b class="letter">!</b> Not live: {status.message}
          </span>
        ) : null}
      </div>
      <div class="chips" role="group" aria-label="Filter by state">
        {(Object.keys(ALARM_STATE_NAMES) as AlarmState[]).map((state) => (
          <button
            key={state}
            type="button"
            class="chip"
            aria-pressed={filter.states.includes(state)}
            onClick={() => toggle(state)}
          >
            {ALARM_STATE_NAMES[state]} {counts[state] ?? 0}
          </button>
        ))}
      </div>
      <div class="chips" role="group" aria-label="Filter by level">
        {ALARM_LEVELS.map((level) => (
          <button
            key={level}
            type="button"
            class="chip"
            aria-pressed={filter.level === level}
            onClick={() => alarms.show({ level: filter.level === level ? undefined : level })}
          >
            <LevelMark level={level} quiet />
          </button>
        ))}
        {filter.group === undefined ? null : (
          <button
            type="button"
            class="chip"
            aria-pressed={true}
            title="Show the alarms of all groups"
            onClick={() => alarms.show({ group: undefined })}
          >
            group {filter.group} ✕
          </button>
        )}
      </div>
    </>
  );
}
