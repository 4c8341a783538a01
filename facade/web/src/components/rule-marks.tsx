import type { RuleView } from '../../../../actors/client/rules.js';
import { parsePointAddress } from '../../../../site/points.js';
import { formatValue } from '../format.js';
import { formatRoute } from '../route.js';
import { RULE_STATE_NAMES, type RuleState } from '../state/rule-words.js';

/** A letter for each state, so that none is told by colour alone. */
const LETTERS: Readonly<Record<RuleState, string>> = {
  stopped: '✕',
  failed: '✕',
  active: '▲',
  holding: '…',
  waiting: '',
  starting: '…',
  disabled: '–',
};

export function RuleStateMark({ state }: { state: RuleState }) {
  const letter = LETTERS[state];
  return (
    <span class={`rule-state rule-${state}`}>
      {letter === '' ? null : (
        <b class="letter" aria-hidden="true">
          {letter}
        </b>
      )}
      {RULE_STATE_NAMES[state]}
    </span>
  );
}

/** Values by address; an address leads to its trend. */
export function Values({ values }: { values: RuleView['values'] }) {
  return (
    <span class="values">
      {Object.entries(values).map(([address, value]) => {
        const point = parsePointAddress(address);
        const { channel = 0, kind = 'T', id = 0 } = point ?? {};
        return (
          <span key={address}>
            {point === undefined ? (
              address
            ) : (
              <a href={formatRoute({ page: 'channels', channel, point: { kind, id } })}>{address}</a>
            )}{' '}
            = <b>{value === null ? 'unknown' : formatValue(value, 'T')}</b>
          </span>
        );
      })}
    </span>
  );
}
