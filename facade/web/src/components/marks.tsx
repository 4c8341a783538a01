import type { PointView } from '../../../../actors/client/schemas.js';
import { formatAge, formatTime } from '../format.js';
import { now } from '../page.js';
import { STATE_NAMES, type ChannelState } from '../state/channel-list.js';

/** One shape for each state, so that none is told by colour alone. Drawn in a box of 12 × 12. */
const SHAPES: Readonly<Record<ChannelState, preact.JSX.Element>> = {
  online: <circle cx="6" cy="6" r="4" />,
  connecting: <circle cx="6" cy="6" r="3.5" fill="none" stroke-width="2" stroke-dasharray="3.5 2" />,
  backingOff: <path d="M6 1 11.5 11H.5z" />,
  faulted: <path d="m2 2 8 8M10 2l-8 8" fill="none" stroke-width="2.6" />,
  paused: <path d="M3 2h2v8H3zM7 2h2v8H7z" />,
  stopped: <rect x="2.5" y="2.5" width="7" height="7" fill="none" stroke-width="1.6" />,
};

export function StateMark({ state, withName = true }: { state: ChannelState; withName?: boolean }) {
  return (
    <span class={`state state-${state}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
        {SHAPES[state]}
      </svg>
      {withName ? STATE_NAMES[state] : null}
    </span>
  );
}

const QUALITY_LETTERS: Readonly<Record<PointView['quality'], string>> = {
  good: '',
  stale: 'S',
  bad: 'B',
  'out-of-range': 'R',
};

/** Nothing to see is good: the word is there, dim; all else has a letter in a box. */
export function QualityMark({ quality }: { quality: PointView['quality'] }) {
  const letter = QUALITY_LETTERS[quality];
  return (
    <span class={`quality quality-${quality}`}>
      {letter === '' ? null : (
        <b class="letter" aria-hidden="true">
          {letter}
        </b>
      )}
      {quality === 'out-of-range' ? 'out of range' : quality}
    </span>
  );
}

/** How long ago something was, moving with the clock; the exact time on hover. */
export function Age({ time, late = false }: { time: number | null; late?: boolean }) {
  if (time === null) return <span class="age">never</span>;
  return (
    <time
      class={late ? 'age late' : 'age'}
      dateTime={new Date(time).toISOString()}
      title={formatTime(time, now.value) + (late ? ', late' : '')}
    >
      {late ? (
        <b class="letter" aria-label="late">
          L
        </b>
      ) : null}
      {formatAge(now.value - time)}
    </time>
  );
}
