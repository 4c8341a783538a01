import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { WriteReply } from '../../../../actors/client/schemas.js';
import { formatLimits, formatRoundTrip, formatValue } from '../format.js';
import type { WritablePoint, WriteFlow } from '../state/write-flow.js';
import { Age, QualityMark } from './marks.js';

interface WriteDialogProps {
  flow: WriteFlow;
  /** The point as it is now; undefined when it is not known any more. */
  now: WritablePoint | undefined;
  onClose: () => void;
}

/** Writes one point: choose, confirm, read the device's answer. Escape leaves it at any step. */
export function WriteDialog({ flow, now, onClose }: WriteDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const step = flow.step.value;
  useEffect(() => dialog.current?.showModal(), []);
  // Each step's own first control: a person who types goes through without the mouse.
  useEffect(() => {
    dialog.current?.querySelector<HTMLElement>('[data-first]')?.focus();
  }, [step.name]);

  // The value as it is now, not as it was when the dialog opened.
  const point = now ?? flow.point;
  const shown = (value: number | string) => `${formatValue(value, point.kind)} ${point.unit}`.trim();
  const leave = (label: string) => (
    <button type="button" onClick={() => dialog.current?.close()}>
      {label}
    </button>
  );
  return (
    <dialog ref={dialog} class="write" aria-labelledby="write-title" onClose={onClose}>
      <h2 id="write-title">
        {step.name === 'confirming' ? 'Confirm: write' : 'Write'} {point.name}
      </h2>
      <p class="dim">
        {point.address}, now{' '}
        <b>
          {formatValue(point.value, point.kind)} {point.unit}
        </b>{' '}
        (<QualityMark quality={point.quality} />, <Age time={point.time} /> old)
      </p>
      {step.name === 'choosing' ? (
        <Chooser flow={flow} point={point} problem={step.problem} cancel={leave('Cancel')} />
      ) : null}
      {step.name === 'confirming' ? (
        <>
          <p class="asked">
            <span>{point.value === null ? 'unknown' : shown(point.value)}</span> <span aria-label="to">→</span>{' '}
            <b>{shown(step.value)}</b>
          </p>
          <div class="buttons">
            <button type="button" class="danger" data-first onClick={() => void flow.confirm()}>
              Write {shown(step.value)}
            </button>
            <button type="button" onClick={() => flow.back()}>
              Back
            </button>
            {leave('Cancel')}
          </div>
        </>
      ) : null}
      {step.name === 'writing' ? (
        <>
          <p role="status">Writing {shown(step.value)}; waiting for the device…</p>
          <div class="buttons">{leave('Leave (the write goes on)')}</div>
        </>
      ) : null}
      {step.name === 'answered' ? (
        <>
          <Answer reply={step.reply} shown={shown} />
          <div class="buttons">
            <button type="button" data-first onClick={() => dialog.current?.close()}>
              Done
            </button>
          </div>
        </>
      ) : null}
      {step.name === 'failed' ? (
        <div role="alert">
          <p class="answer answer-bad">
            <b class="letter">✕</b> Not written, as far as is known: {step.message}{' '}
            <span class="dim">({step.code})</span>
          </p>
          <div class="buttons">
            <button type="button" data-first onClick={() => void flow.confirm()}>
              Try again
            </button>
            <button type="button" onClick={() => flow.back()}>
              Other value
            </button>
            {leave('Cancel')}
          </div>
        </div>
      ) : null}
    </dialog>
  );
}

/** On or off for controls, a number (or text) for adjustments. */
function Chooser(props: {
  flow: WriteFlow;
  point: WritablePoint;
  problem: string | undefined;
  cancel: preact.ComponentChildren;
}) {
  const { flow, point, problem, cancel } = props;
  const text = useSignal(point.value === null ? '' : String(point.value));
  const limits = formatLimits(point);
  if (point.kind === 'C' || point.kind === 'S')
    return (
      <div class="buttons">
        <button type="button" data-first onClick={() => flow.choose('1')}>
          On…
        </button>
        <button type="button" onClick={() => flow.choose('0')}>
          Off…
        </button>
        {cancel}
      </div>
    );
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        flow.choose(text.value);
      }}
    >
      <label>
        New value{' '}
        <input
          data-first
          inputMode={typeof point.value === 'string' ? 'text' : 'decimal'}
          autocomplete="off"
          value={text.value}
          aria-invalid={problem !== undefined}
          onFocus={(event) => event.currentTarget.select()}
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />{' '}
        {point.unit}
      </label>
      {limits === undefined ? null : <p class="dim">Allowed: {limits}</p>}
      {problem === undefined ? null : (
        <p class="refusal" role="alert">
          {problem}
        </p>
      )}
      <div class="buttons">
        <button type="submit">Next…</button>
        {cancel}
      </div>
    </form>
  );
}

function Answer({ reply, shown }: { reply: WriteReply; shown: (value: number | string) => string }) {
  return (
    <div role="status">
      <p class={reply.confirmed ? 'answer' : 'answer answer-bad'}>
        <b class="letter">{reply.confirmed ? '✓' : '!'}</b> Device answered <b>{reply.answer}</b> after{' '}
        {formatRoundTrip(reply.roundTripMs)} ms.
      </p>
      <p>
        Written {shown(reply.written)};{' '}
        {reply.readBack === null ? 'could not be read back' : `reads back ${shown(reply.readBack)}`}
        {reply.confirmed ? ', confirmed.' : ': not confirmed. Check the device.'}
      </p>
    </div>
  );
}
