import type { RuleExecution, RuleView } from '../../../../actors/client/rules.js';
import { formatInterval, formatTime } from '../format.js';
import { now, route, ruleDetail } from '../page.js';
import { conditionLines, describeAction, describeTrigger, stepNames } from '../state/rule-words.js';
import { Age } from './marks.js';
import { RuleCommands } from './rule-commands.js';
import { RuleStateMark, Values } from './rule-marks.js';

/** The selected rule. */
export function RuleDetail() {
  const rule = ruleDetail.rule.value;
  const problem = ruleDetail.poll.problem.value;
  const isChosen = route.value.page === 'rules' && route.value.id !== undefined;
  return (
    <section class="panel aside" aria-label="Selected rule">
      {problem === undefined ? null : (
        <p class="refusal" role="status">
          <b class="letter">!</b> {problem}
        </p>
      )}
      {rule !== undefined ? (
        <>
          <Facts rule={rule} />
          <RuleCommands key={rule.id} rule={rule} />
          <Executions rule={rule} />
        </>
      ) : problem === undefined ? (
        <p class="empty">{isChosen ? 'Loading…' : 'Choose a rule to see what it does and has done.'}</p>
      ) : null}
    </section>
  );
}

function Facts({ rule }: { rule: RuleView }) {
  const { of, lines } = conditionLines(rule.condition);
  const values = Object.entries(rule.values);
  return (
    <>
      <h2>
        {rule.name} {rule.name === rule.id ? null : <span class="dim">{rule.id}</span>}
      </h2>
      <p class="marks">
        <RuleStateMark state={rule.state} />
        <span class="dim">
          {rule.since === 0 ? null : (
            <>
              for <Age time={rule.since} />,{' '}
            </>
          )}
          {rule.source === 'site' ? 'of the site file' : 'made by a caller'}
        </span>
      </p>
      {rule.description === '' ? null : <p>{rule.description}</p>}
      {rule.problem === null ? null : (
        <p class="refusal">
          <b class="letter">!</b> {rule.problem}
        </p>
      )}
      {rule.loop === null ? null : <p class="dim">May set itself off again: {rule.loop}</p>}
      <div>
        <h3>Condition{of === undefined ? '' : `, ${of} of`}</h3>
        {lines.map((line) => (
          <code key={line} class="block">
            {line}
          </code>
        ))}
        <p class="dim">
          {rule.value === null ? 'unknown' : `was ${String(rule.value)}`} when it last changed
          {rule.holdMs === 0 ? '' : `, to hold for ${formatInterval(rule.holdMs)}`}
          {rule.cooldownMs === 0 ? '' : `, ${formatInterval(rule.cooldownMs)} between two firings`}
          {rule.deadband === 0 ? '' : `, deadband ${rule.deadband}`}
        </p>
        {values.length === 0 ? null : (
          <p>
            <Values values={rule.values} />
          </p>
        )}
      </div>
      <div>
        <h3>Actions</h3>
        <ol class="plain">
          {rule.actions.map((action, index) => (
            <li key={index}>{describeAction(action)}</li>
          ))}
        </ol>
      </div>
    </>
  );
}

function Executions({ rule }: { rule: RuleView }) {
  const executions = ruleDetail.executions.value;
  return (
    <div>
      <h3>Last runs</h3>
      {executions.length === 0 ? <p class="dim">It has not run yet.</p> : null}
      <ol class="journal" aria-label="Last runs, the newest first">
        {executions.map((execution) => (
          <li key={execution.number}>
            <time dateTime={new Date(execution.at).toISOString()} class="dim">
              {formatTime(execution.at, now.value)}
            </time>
            <span>
              <b>{describeTrigger(execution)}</b> <Values values={execution.values} />
              <Steps execution={execution} rule={rule} />
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}

const STEP_LETTERS = { pending: '…', queued: '→', done: '✓', failed: '✕', skipped: '–' } as const;

function Steps({ execution, rule }: { execution: RuleExecution; rule: RuleView }) {
  const names = stepNames(rule.actions);
  return (
    <ul class="plain steps">
      {execution.steps.map(({ action, status, error }) => (
        <li key={action} class={status === 'failed' ? 'refusal' : undefined}>
          <b class="letter" aria-hidden="true">
            {STEP_LETTERS[status]}
          </b>
          {status}: {names[action] ?? `action ${action + 1}`}
          {error === undefined ? '' : `: ${error.message} (${error.code})`}
        </li>
      ))}
    </ul>
  );
}
