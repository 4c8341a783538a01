import { useSignal } from '@preact/signals';
import type { RuleDryRun, RuleView } from '../../../../actors/client/rules.js';
import { formatTime } from '../format.js';
import { mayI, now, ruleDetail, rules, rulesApi, site } from '../page.js';
import { newCommandId } from '../state/command-id.js';
import { Values } from './rule-marks.js';

/** Firings of a dry run that are shown. */
const SHOWN = 20;

type Asked = 'enable' | 'disable' | 'evaluate';
const QUESTIONS: Readonly<Record<Asked, string>> = {
  enable: 'It is watched again, and fires when its condition is true.',
  disable: 'It is watched no more, until somebody enables it.',
  evaluate: 'If its condition is true now, its actions are taken at once.',
};
const NAMES: Readonly<Record<Asked, string>> = { enable: 'Enable', disable: 'Disable', evaluate: 'Evaluate now' };

/** What may be done with a rule: each asks once more, but for the dry run, which does nothing. */
export function RuleCommands({ rule }: { rule: RuleView }) {
  const asked = useSignal<Asked | undefined>(undefined);
  const busy = useSignal('');
  const refusal = useSignal('');
  const done = useSignal('');
  const dryRun = useSignal<RuleDryRun | undefined>(undefined);
  const isAway = site.link.value.state === 'away';

  const work = async (what: string, ask: () => Promise<void>) => {
    [asked.value, busy.value, refusal.value, done.value] = [undefined, what, '', ''];
    try {
      await ask();
    } catch (error) {
      refusal.value = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    }
    busy.value = '';
  };
  const send = (what: Asked) =>
    work(NAMES[what], async () => {
      if (what === 'evaluate') {
        const { condition, triggered } = await rulesApi.evaluate(rule.id, newCommandId());
        const found = condition === null ? 'unknown' : String(condition);
        done.value = `The condition is ${found}${triggered ? ': it fired.' : '; nothing was done.'}`;
        ruleDetail.poll.now();
      } else {
        const changed = await rulesApi.command(rule.id, what);
        rules.put(changed);
        ruleDetail.put(changed);
      }
    });
  const toggle = rule.enabled ? 'disable' : 'enable';
  const mayOperate = mayI('operate');
  return (
    <div>
      {asked.value === undefined ? (
        <div class="buttons">
          {mayOperate ? (
            <>
              <button type="button" disabled={isAway || busy.value !== ''} onClick={() => (asked.value = toggle)}>
                {NAMES[toggle]}…
              </button>
              {rule.enabled ? (
                <button type="button" disabled={isAway || busy.value !== ''} onClick={() => (asked.value = 'evaluate')}>
                  {NAMES.evaluate}…
                </button>
              ) : null}
            </>
          ) : null}
          <button
            type="button"
            disabled={isAway || busy.value !== ''}
            onClick={() =>
              void work('Dry run', async () => {
                dryRun.value = undefined;
                dryRun.value = await rulesApi.dryRun(rule.id);
              })
            }
          >
            Dry run of last week
          </button>
        </div>
      ) : (
        <div class="buttons">
          <p>{QUESTIONS[asked.value]}</p>
          <button type="button" class="danger" onClick={() => void send(asked.value as Asked)}>
            {NAMES[asked.value]}
          </button>
          <button type="button" onClick={() => (asked.value = undefined)}>
            Cancel
          </button>
        </div>
      )}
      {busy.value === '' ? null : <p role="status">{busy.value}: waiting for the server…</p>}
      {refusal.value === '' ? null : (
        <p class="refusal" role="alert">
          {refusal.value}
        </p>
      )}
      {done.value === '' ? null : <p role="status">{done.value}</p>}
      {dryRun.value === undefined ? null : <DryRun result={dryRun.value} onClose={() => (dryRun.value = undefined)} />}
    </div>
  );
}

function DryRun({ result, onClose }: { result: RuleDryRun; onClose: () => void }) {
  const { fired, firings, samples, complete, reached } = result;
  const rest = fired - Math.min(SHOWN, firings.length);
  return (
    <div class="dry-run" role="status">
      <p>
        Would have fired <b>{fired === 1 ? 'once' : `${fired} times`}</b> in the last week, by {samples} values of
        history.
        {complete ? '' : ` Looked at until ${formatTime(reached, now.value)} only: there are too many values.`}{' '}
        <button type="button" class="small" onClick={onClose}>
          Close
        </button>
      </p>
      <ol class="journal">
        {firings.slice(0, SHOWN).map(({ at, returnedAt, values }) => (
          <li key={at}>
            <span class="dim">{formatTime(at, now.value)}</span>
            <span>
              {returnedAt === null ? 'true since' : `until ${formatTime(returnedAt, now.value)}`}{' '}
              <Values values={values} />
            </span>
          </li>
        ))}
      </ol>
      {rest > 0 ? <p class="dim">and {rest} more</p> : null}
    </div>
  );
}
