import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { me } from '../page.js';
import { NAME_KEY } from './alarm-dialog.js';

/** What is asked once more before it is done. */
export interface Question {
  readonly title: string;
  readonly text: string;
  /** Who does it is written down. */
  readonly needsName: boolean;
  readonly run: (by: string) => Promise<void>;
}

/** Asks once more, does it, and says in the server's words why it could not. Escape leaves it. */
export function AskDialog({ question, onClose }: { question: Question; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const signedIn = me.value?.via === 'user' ? me.value.name : undefined;
  const by = useSignal(signedIn ?? localStorage.getItem(NAME_KEY) ?? '');
  const problem = useSignal('');
  const busy = useSignal(false);
  const { title, text, needsName, run } = question;
  useEffect(() => {
    dialog.current?.showModal();
    const first = needsName && by.value === '' ? '[name=by]' : '[type=submit]';
    dialog.current?.querySelector<HTMLElement>(first)?.focus();
  }, []);
  const confirm = async () => {
    const name = by.value.trim();
    if (needsName && name === '') {
      problem.value = 'Say who you are: it stands in the journal.';
      return;
    }
    if (needsName && signedIn === undefined) localStorage.setItem(NAME_KEY, name);
    [busy.value, problem.value] = [true, ''];
    try {
      await run(name);
      dialog.current?.close();
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
    busy.value = false;
  };
  return (
    <dialog ref={dialog} class="write" aria-labelledby="ask-dialog-title" onClose={onClose}>
      <h2 id="ask-dialog-title">{title}</h2>
      <p>{text}</p>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          void confirm();
        }}
      >
        {needsName ? (
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
        ) : null}
        {problem.value === '' ? null : (
          <p class="refusal" role="alert">
            {problem.value}
          </p>
        )}
        <div class="buttons">
          <button type="submit" class="danger" disabled={busy.value}>
            {busy.value ? 'Waiting for the server…' : title}
          </button>
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </form>
    </dialog>
  );
}
