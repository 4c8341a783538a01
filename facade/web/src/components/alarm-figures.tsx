import { ALARM_LEVELS } from '../../../../site/alarms.js';
import { formatTime } from '../format.js';
import { alarms, go, now } from '../page.js';
import { STANDING } from '../state/alarm-list.js';
import { LevelMark } from './alarm-marks.js';

/** How the alarm system does (ISA-18.2, section 16): what stands, how quickly it comes, and what came first. */
export function AlarmFigures() {
  const statistics = alarms.statistics.value;
  if (statistics === undefined) return null;
  const { standing, byLevel, stale, chattering, raisedPer10Minutes: rate, firstOut } = statistics;
  return (
    <section class="figures" aria-label="Figures">
      {rate.flood ? (
        <p class="banner banner-refusing" role="status">
          <b class="letter">!</b>
          <b>Alarm flood</b>: {rate.now} in the last 10 minutes. Look at what came first.
        </p>
      ) : null}
      <dl class="facts">
        <div>
          <dt>Standing</dt>
          <dd>
            <b>{standing}</b>
          </dd>
        </div>
        {ALARM_LEVELS.filter((level) => (byLevel[level] ?? 0) > 0).map((level) => (
          <div key={level}>
            <dt>
              <LevelMark level={level} />
            </dt>
            <dd>{byLevel[level]}</dd>
          </div>
        ))}
        <div>
          <dt>Raised in 10 min, now / peak of the hour</dt>
          <dd>
            {rate.now} / {rate.peak}
          </dd>
        </div>
        <div>
          <dt>Older than a day</dt>
          <dd>{stale}</dd>
        </div>
        {chattering.length === 0 ? null : (
          <div>
            <dt>Chattering</dt>
            <dd>
              {chattering.slice(0, 3).map(({ id, title, raised }) => (
                <button key={id} type="button" class="small" onClick={() => go({ page: 'alarms', id })}>
                  {title} × {raised}
                </button>
              ))}
              {chattering.length > 3 ? ` and ${chattering.length - 3} more` : ''}
            </dd>
          </div>
        )}
      </dl>
      {firstOut.length === 0 ? null : (
        <div class="first-out">
          <h3>Came first</h3>
          <ul>
            {firstOut.map(({ id, group, title, level, raisedAt, standing: others }) => (
              <li key={group}>
                <button type="button" class="link" onClick={() => go({ page: 'alarms', id })}>
                  <LevelMark level={level} /> <b>{title}</b>
                </button>{' '}
                <span class="dim">
                  at {formatTime(raisedAt, now.value)}, first of {others} in
                </span>{' '}
                <button
                  type="button"
                  class="link"
                  title="Show the alarms of this group"
                  onClick={() => alarms.show({ group, states: STANDING })}
                >
                  {group}
                </button>
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
