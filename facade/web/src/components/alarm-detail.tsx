import { useSignal } from '@preact/signals';
import type { AlarmCommandName, AlarmView } from '../../../../actors/client/alarms.js';
import { parsePointAddress } from '../../../../site/points.js';
import { formatTime } from '../format.js';
import { alarmDetail, alarms, alarmsApi, mayI, now, route, site } from '../page.js';
import { formatRoute } from '../route.js';
import { AlarmCommandFlow } from '../state/alarm-command-flow.js';
import { COMMAND_NAMES, commandsFor } from '../state/alarm-list.js';
import { AlarmDialog } from './alarm-dialog.js';
import { AlarmStateMark, isQuiet, LevelMark } from './alarm-marks.js';
import { Age } from './marks.js';

/** The selected alarm: what it says, what may be done with it, and who did what. */
export function AlarmDetail() {
  const alarm = alarmDetail.alarm.value;
  const problem = alarmDetail.problem.value;
  const isChosen = route.value.page === 'alarms' && route.value.id !== undefined;
  return (
    <section class="panel aside" aria-label="Selected alarm">
      {problem === undefined ? null : (
        <p class="refusal" role="status">
          <b class="letter">!</b> {problem}
        </p>
      )}
      {alarm !== undefined ? (
        <>
          <Facts alarm={alarm} />
          {mayI('operate') ? <Commands key={alarm.id} alarm={alarm} /> : null}
          <Journal />
        </>
      ) : problem === undefined ? (
        <p class="empty">{isChosen ? 'Loading…' : 'Choose an alarm to see its history.'}</p>
      ) : null}
    </section>
  );
}

function Facts({ alarm }: { alarm: AlarmView }) {
  const time = (at: number | null) => (at === null ? '–' : formatTime(at, now.value));
  const { hidden, acknowledgedBy } = alarm;
  return (
    <>
      <h2>{alarm.title}</h2>
      <p class="marks">
        <LevelMark level={alarm.level} quiet={isQuiet(alarm)} />
        <AlarmStateMark state={alarm.state} />
        <span class="dim">
          for <Age time={alarm.since} />, condition {alarm.condition ? 'is there' : 'is gone'}
        </span>
      </p>
      {alarm.description === '' ? null : <p>{alarm.description}</p>}
      {hidden === null ? null : (
        <p>
          Hidden by {hidden.by}
          {hidden.until === null ? '' : ` until ${time(hidden.until)}`}
          {hidden.reason === null ? '' : `: ${hidden.reason}`}
        </p>
      )}
      <dl class="facts">
        <div>
          <dt>Source</dt>
          <dd>
            <Source source={alarm.source} />
          </dd>
        </div>
        {alarm.ruleId === null ? null : (
          <div>
            <dt>Rule</dt>
            <dd>
              <a href={formatRoute({ page: 'rules', id: alarm.ruleId })}>{alarm.ruleId}</a>
            </dd>
          </div>
        )}
        {alarm.group === alarm.source ? null : (
          <div>
            <dt>Group</dt>
            <dd>{alarm.group}</dd>
          </div>
        )}
        <div>
          <dt>Raised</dt>
          <dd>{time(alarm.raisedAt)}</dd>
        </div>
        {alarm.clearedAt === null ? null : (
          <div>
            <dt>Condition gone</dt>
            <dd>{time(alarm.clearedAt)}</dd>
          </div>
        )}
        {acknowledgedBy === null ? null : (
          <div>
            <dt>Acknowledged</dt>
            <dd>
              {time(alarm.acknowledgedAt)} by {acknowledgedBy}
            </dd>
          </div>
        )}
        {alarm.value === null ? null : (
          <div>
            <dt>Value</dt>
            <dd>{alarm.value}</dd>
          </div>
        )}
        <div>
          <dt>Raised so far</dt>
          <dd>{alarm.occurrences} ×</dd>
        </div>
        {alarm.escalations === 0 ? null : (
          <div>
            <dt>Escalated</dt>
            <dd>{alarm.escalations} ×</dd>
          </div>
        )}
      </dl>
    </>
  );
}

/** A point has a page with its trend. */
function Source({ source }: { source: string }) {
  const point = parsePointAddress(source);
  if (point === undefined) return <>{source}</>;
  const { channel, kind, id } = point;
  return <a href={formatRoute({ page: 'channels', channel, point: { kind, id } })}>{source}</a>;
}

function Commands({ alarm }: { alarm: AlarmView }) {
  const flow = useSignal<AlarmCommandFlow | undefined>(undefined);
  const isAway = site.link.value.state === 'away';
  const button = (name: AlarmCommandName) => (
    <button
      key={name}
      type="button"
      disabled={isAway}
      onClick={() => {
        flow.value = new AlarmCommandFlow(alarmsApi, alarm, name, (answer) => {
          alarms.put(answer);
          alarmDetail.note(answer);
        });
      }}
    >
      {COMMAND_NAMES[name]}…
    </button>
  );
  return (
    <div class="buttons">
      {commandsFor(alarm).map(button)}
      {button('note')}
      {flow.value === undefined ? null : <AlarmDialog flow={flow.value} onClose={() => (flow.value = undefined)} />}
    </div>
  );
}

function Journal() {
  const entries = alarmDetail.journal.value;
  return (
    <>
      <h3>History</h3>
      <ol class="journal" aria-label="History, the newest first">
        {entries.map(({ seq, at, what, by, text }) => (
          <li key={seq}>
            <time dateTime={new Date(at).toISOString()} class="dim">
              {formatTime(at, now.value)}
            </time>
            <span>
              <b>{WHAT[what] ?? what}</b> by {by}
              {text === null ? null : <q>{text}</q>}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

/** Where the word of the record is none that people use. */
const WHAT: Readonly<Record<string, string>> = {
  outOfService: 'taken out of service',
  returnedToService: 'returned to service',
  clearing: 'condition went, waiting',
  pending: 'condition came, waiting',
  standing: 'condition came back',
  heard: 'condition changed while hidden',
};
