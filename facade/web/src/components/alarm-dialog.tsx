import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { AlarmCommandName } from '../../../../actors/client/alarms.js';
import { me } from '../page.js';
import { SHELVE_FOR, type AlarmCommandFlow } from '../state/alarm-command-flow.js';
import { COMMAND_NAMES } from '../state/alarm-list.js';
import { LevelMark } from './alarm-marks.js';

/** What the text is that goes with a command; the others take none. */
const TEXTS: Partial<Record<AlarmCommandName, string>> = {
  acknowledge: 'Note',
  resolve: 'Note',
  note: 'Note',
  shelve: 'Reason',
  suppress: 'Reason',
  outOfService: 'Reason',
};
/** Where nobody signs in, the name that was given last. */
export const NAME_KEY = 'statewatt.operator';

/** Asks who does it and why, and does it. Escape leaves it. */
export function AlarmDialog({ flow, onClose }: { flow: AlarmCommandFlow; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const signedIn = me.value?.via === 'user' ? me.value.name : undefined;
  const by = useSignal(signedIn ?? localStorage.getItem(NAME_KEY) ?? '');
  const text = useSignal('');
  const forMs = useSignal<number>(SHELVE_FOR[1].forMs);
  const { alarm, command } = flow;
  const step = flow.step.value;
  const label = TEXTS[command];
  useEffect(() => {
    dialog.current?.showModal();
    const first = by.value === '' ? '[name=by]' : '[name=text], [type=submit]';
    dialog.current?.querySelector<HTMLElement>(first)?.focus();
  }, []);
  useEffect(() => {
    if (step.name === 'done') dialog.current?.close();
  }, [step.name]);
  const submit = () => {
    if (signedIn === undefined) localStorage.setItem(NAME_KEY, by.value.trim());
    void flow.confirm({ by: by.value, text: text.value, forMs: forMs.value });
  };
  return (
    <dialog ref={dialog} class="write" aria-labelledby="alarm-dialog-title" onClose={onClose}>
      <h2 id="alarm-dialog-title">{COMMAND_NAMES[command]}</h2>
      <p>
        <LevelMark level={alarm.level} /> <b>{alarm.title}</b> <span class="dim">{alarm.source}</span>
      </p>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <label>
          Your name
          <input
            name="by"
            maxLength={128}
            autocomplete="username"
            readOnly={signedIn !== undefined}
            value={by.value}
            onInput={(event) => {
              by.value = event.currentTarget.value;
            }}
          />
        </label>
        {command === 'shelve' ? (
          <label>
            For
            <select
              name="for"
              value={String(forMs.value)}
              onChange={(event) => {
                forMs.value = Number(event.currentTarget.value);
              }}
            >
              {SHELVE_FOR.map((span) => (
                <option key={span.forMs} value={String(span.forMs)}>
                  {span.label}
                </option>
              ))}
            </select>
          </label>
        ) : null}
        {label === undefined ? null : (
          <label>
            {label}
            <input
              name="text"
              maxLength={2000}
              autocomplete="off"
              value={text.value}
              onInput={(event) => {
                text.value = event.currentTarget.value;
              }}
            />
          </label>
        )}
        {step.name === 'asking' && step.problem !== undefined ? (
          <p class="refusal" role="alert">
            {step.problem}
          </p>
        ) : null}
        <div class="buttons">
          <button type="submit" class="danger" disabled={step.name !== 'asking'}>
            {step.name === 'sending' ? 'Waiting for the server…' : COMMAND_NAMES[command]}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
