import { useSignal } from '@preact/signals';
import { api } from '../page.js';

/** Shown instead of the page to who has to sign in first. The tokens are cookies that no script reads. */
export function SignIn() {
  const name = useSignal('');
  const password = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const signIn = async () => {
    busy.value = true;
    problem.value = undefined;
    try {
      await api.signIn(name.value, password.value);
      location.reload(); // Everything is asked anew.
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
      password.value = '';
    }
    busy.value = false;
  };
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void signIn();
        }}
      >
        <h1>Sign in</h1>
        <label>
          Name
          <input
            name="name"
            autocomplete="username"
            autofocus
            required
            value={name.value}
            onInput={(event) => {
              name.value = event.currentTarget.value;
            }}
          />
        </label>
        <label>
          Password
          <input
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password.value}
            onInput={(event) => {
              password.value = event.currentTarget.value;
            }}
          />
        </label>
        {problem.value === undefined ? null : (
          <p class="refusal" role="alert">
            {problem.value}
          </p>
        )}
        <button type="submit" disabled={busy.value}>
          Sign in
        </button>
      </form>
    </main>
  );
}

/** Who is signed in, and the way out. */
export function SignOut({ name, role }: { name: string; role: string }) {
  return (
    <span>
      <span class="dim">
        {name}, {role}
      </span>{' '}
      <button
        type="button"
        class="small"
        onClick={() => {
          const reload = () => location.reload();
          void api.signOut().then(reload, reload); // Should it have failed, the page says what is still there.
        }}
      >
        Sign out
      </button>
    </span>
  );
}
