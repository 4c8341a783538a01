import type { AlarmView } from '../../../../actors/client/alarms.js';
import type { AlarmLevel, AlarmState } from '../../../../site/alarms.js';
import { ALARM_STATE_NAMES } from '../state/alarm-list.js';

/** One shape for each level, so that none is told by colour alone. Drawn in a box of 12 × 12. */
const LEVEL_SHAPES: Readonly<Record<AlarmLevel, preact.JSX.Element>> = {
  Critical: <path d="M1 1h10v10H1z" />,
  Major: <path d="M6 0.5 11.8 11.5H.2z" />,
  Minor: <path d="M6 0 12 6 6 12 0 6z" />,
  Warning: <path d="M6 11 1 2h10z" fill="none" stroke-width="1.8" />,
  Info: <circle cx="6" cy="6" r="4.6" fill="none" stroke-width="1.8" />,
};

/** Coloured only while somebody is waited for. */
export function LevelMark({ level, quiet = false }: { level: AlarmLevel; quiet?: boolean }) {
  return (
    <span class={`level level-${level}${quiet ? ' quiet' : ''}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        {LEVEL_SHAPES[level]}
      </svg>
      {level}
    </span>
  );
}

/** Letters of states: what somebody has to look at has none of the quiet ones. */
const STATE_LETTERS: Readonly<Record<AlarmState, string>> = {
  unacknowledged: '!',
  returned: '↓',
  acknowledged: '✓',
  shelved: 'Z',
  suppressed: 'S',
  outOfService: 'O',
  normal: '',
};

export function AlarmStateMark({ state }: { state: AlarmState }) {
  const letter = STATE_LETTERS[state];
  return (
    <span class={`alarm-state alarm-${state}`}>
      {letter === '' ? null : (
        <b class="letter" aria-hidden="true">
          {letter}
        </b>
      )}
      {ALARM_STATE_NAMES[state]}
    </span>
  );
}

/** Whether somebody is waited for. */
export function isQuiet({ state }: Pick<AlarmView, 'state'>): boolean {
  return state !== 'unacknowledged' && state !== 'returned';
}
