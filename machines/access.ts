import { assign, setup } from 'xstate';
import type { AccessRegister, ApiKeyRecord, Role, SessionRecord, UserRecord } from '../site/access.js';

export type AccessEvent =
  | { type: 'addUser'; name: string; role: Role; password: string; at: number }
  | { type: 'changeUser'; name: string; role?: Role; password?: string; disabled?: boolean; at: number }
  | { type: 'removeUser'; name: string; at: number }
  | { type: 'openSession'; name: string; id: string; token: string; endsAt: number; at: number }
  | { type: 'renewSession'; name: string; id: string; token: string; nextToken: string; endsAt: number; at: number }
  | { type: 'endSession'; name: string; id: string; at: number }
  | { type: 'addKey'; id: string; name: string; role: Role; secret: string; endsAt: number | null; at: number }
  | { type: 'removeKey'; id: string; at: number };

/** A bound of each list: the register is one message. */
export const MAX_USERS = 500;
export const MAX_KEYS = 500;
/** Sign-ins of one user at once; the oldest ends. */
export const MAX_SESSIONS = 20;
/** Two pages with one refresh token may use it at the same moment. */
const RACE_MS = 10_000;

type Of<Type> = Extract<AccessEvent, { type: Type }>;

/**
 * The register of users, their sign-ins, and the keys of programs. An event that may not happen changes nothing; the
 * kind says why. There is always an administrator who can sign in, once there is anybody.
 */
export const accessMachine = setup({
  types: { context: {} as AccessRegister, events: {} as AccessEvent },
  guards: {
    fits: ({ context: { users }, event }) => {
      const { name, role } = event as Of<'addUser'>;
      const count = Object.keys(users).length;
      return !(name in users) && count < MAX_USERS && (count > 0 || role === 'admin');
    },
    leavesAnAdmin: ({ context, event }) => leavesAnAdmin(context, event as Of<'changeUser'> | Of<'removeUser'>),
    mayOpen: ({ context: { users }, event }) => users[(event as Of<'openSession'>).name]?.disabled === false,
    renews: ({ context, event }) => {
      const { at, token } = event as Of<'renewSession'>;
      const session = sessionOf(context, event as Of<'renewSession'>);
      return session !== undefined && session.token === token && session.endsAt > at;
    },
    /** A refresh token that was used before is in somebody else’s hands (RFC 9700, section 4.14.2). */
    isStolen: ({ context, event }) => {
      const { at, token } = event as Of<'renewSession'>;
      const session = sessionOf(context, event as Of<'renewSession'>);
      return session !== undefined && !(session.formerToken === token && at - session.renewedAt < RACE_MS);
    },
    hasSession: ({ context, event }) => sessionOf(context, event as Of<'endSession'>) !== undefined,
    keyFits: ({ context: { keys, users }, event }) =>
      !((event as Of<'addKey'>).id in keys) && Object.keys(keys).length < MAX_KEYS && Object.keys(users).length > 0,
    hasKey: ({ context: { keys }, event }) => (event as Of<'removeKey'>).id in keys,
  },
  actions: {
    addUser: assign(({ context: { users }, event }) => {
      const { name, role, password, at } = event as Of<'addUser'>;
      const user: UserRecord = {
        ...{ name, role, password },
        ...{ disabled: false, createdAt: at, changedAt: at, sessions: [] },
      };
      return { users: { ...users, [name]: user } };
    }),
    changeUser: assign(({ context: { users }, event }) => {
      const { name, role, password, disabled, at } = event as Of<'changeUser'>;
      const user = users[name] as UserRecord;
      // Who took the user over, or is no user any more, is out at once.
      const out = password !== undefined || disabled === true;
      const changed: UserRecord = {
        ...user,
        role: role ?? user.role,
        password: password ?? user.password,
        disabled: disabled ?? user.disabled,
        changedAt: at,
        sessions: out ? [] : user.sessions,
      };
      return { users: { ...users, [name]: changed } };
    }),
    removeUser: assign(({ context: { users }, event }) => ({
      users: without(users, (event as Of<'removeUser'>).name),
    })),
    openSession: assign(({ context, event }) => {
      const { name, id, token, endsAt, at } = event as Of<'openSession'>;
      const session: SessionRecord = { id, token, formerToken: null, openedAt: at, renewedAt: at, endsAt };
      return withSessions(context, name, (sessions) => [
        ...sessions.filter((open) => open.endsAt > at).slice(1 - MAX_SESSIONS),
        session,
      ]);
    }),
    renewSession: assign(({ context, event }) => {
      const { name, id, token, nextToken, endsAt, at } = event as Of<'renewSession'>;
      return withSessions(context, name, (sessions) =>
        sessions.map((session) =>
          session.id === id ? { ...session, token: nextToken, formerToken: token, renewedAt: at, endsAt } : session,
        ),
      );
    }),
    endSession: assign(({ context, event }) => {
      const { name, id } = event as Of<'endSession'>;
      return withSessions(context, name, (sessions) => sessions.filter((session) => session.id !== id));
    }),
    addKey: assign(({ context: { keys }, event }) => {
      const { id, name, role, secret, endsAt, at } = event as Of<'addKey'>;
      const key: ApiKeyRecord = { id, name, role, secret, createdAt: at, endsAt };
      return { keys: { ...keys, [id]: key } };
    }),
    removeKey: assign(({ context: { keys }, event }) => ({ keys: without(keys, (event as Of<'removeKey'>).id) })),
  },
}).createMachine({
  id: 'access',
  context: { users: {}, keys: {} },
  initial: 'open',
  states: {
    open: {
      on: {
        addUser: { guard: 'fits', actions: 'addUser' },
        changeUser: { guard: 'leavesAnAdmin', actions: 'changeUser' },
        removeUser: { guard: 'leavesAnAdmin', actions: 'removeUser' },
        openSession: { guard: 'mayOpen', actions: 'openSession' },
        renewSession: [
          { guard: 'renews', actions: 'renewSession' },
          { guard: 'isStolen', actions: 'endSession' },
        ],
        endSession: { guard: 'hasSession', actions: 'endSession' },
        addKey: { guard: 'keyFits', actions: 'addKey' },
        removeKey: { guard: 'hasKey', actions: 'removeKey' },
      },
    },
  },
});

/** Whether the user is there, and some administrator can still sign in after the change. */
function leavesAnAdmin({ users }: AccessRegister, event: Of<'changeUser'> | Of<'removeUser'>): boolean {
  if (!(event.name in users)) return false;
  const stays =
    event.type === 'changeUser' &&
    (event.role ?? users[event.name]?.role) === 'admin' &&
    !(event.disabled ?? users[event.name]?.disabled);
  return (
    stays ||
    Object.values(users).some(({ name, role, disabled }) => name !== event.name && role === 'admin' && !disabled)
  );
}

function sessionOf({ users }: AccessRegister, { name, id }: { name: string; id: string }): SessionRecord | undefined {
  return users[name]?.sessions.find((session) => session.id === id);
}

function withSessions(
  { users }: AccessRegister,
  name: string,
  change: (sessions: readonly SessionRecord[]) => readonly SessionRecord[],
): Pick<AccessRegister, 'users'> {
  const user = users[name] as UserRecord;
  return { users: { ...users, [name]: { ...user, sessions: change(user.sessions) } } };
}

function without<T>(records: Readonly<Record<string, T>>, name: string): Record<string, T> {
  const { [name]: _removed, ...rest } = records;
  return rest;
}
