import Type from 'typebox';
import { StatewattError } from '../errors/error.js';
import { accessMachine, MAX_USERS } from '../machines/access.js';
import { ROLES, type AccessRegister, type Role } from '../site/access.js';
import { defineKind, type Turn } from './runtime/kind.js';
import { ref, type ActorRef } from './runtime/system.js';

const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$' });
const role = Type.Unsafe<Role>({ type: 'string', enum: [...ROLES] });
const id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' });
const hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const password = Type.String({ minLength: 1, maxLength: 512 });
const time = Type.Number();

/**
 * The kind `access`: one actor, `access/site`, that knows who may come in. It is told hashes only, never a password or a
 * token. Each command answers the register; one that may not happen is refused.
 */
export const accessKind = defineKind({
  kind: 'access',
  version: 1,
  machine: accessMachine,
  commands: (command) => ({
    addUser: command(Type.Object({ name, role, password }), (turn) => register(turn, whyNoUser)),
    changeUser: command(
      Type.Object({
        name,
        role: Type.Optional(role),
        password: Type.Optional(password),
        disabled: Type.Optional(Type.Boolean()),
      }),
      (turn) => register(turn, whyNoChange),
    ),
    removeUser: command(Type.Object({ name }), (turn) => register(turn, whyNoChange)),
    openSession: command(Type.Object({ name, id, token: hash, endsAt: time }), (turn) => register(turn, sessionEnded)),
    renewSession: command(Type.Object({ name, id, token: hash, nextToken: hash, endsAt: time }), (turn) => {
      const { users } = register(turn, sessionEnded);
      const session = users[turn.command.name]?.sessions.find((open) => open.id === turn.command.id);
      if (session?.token !== turn.command.nextToken) throw sessionEnded();
      return { users };
    }),
    endSession: command(Type.Object({ name, id }), ({ snapshot }) => snapshot.context),
    addKey: command(
      Type.Object({
        ...{ id, name, role, secret: hash },
        endsAt: Type.Union([time, Type.Null()]),
      }),
      (turn) => register(turn, whyNoKey),
    ),
    removeKey: command(Type.Object({ id }), (turn) => register(turn, (_context, command) => noKey(command.id))),
  }),
  effects: {},
  policy: { snapshotEvery: 50, mailboxCapacity: 200 },
});

export type AccessKind = typeof accessKind;

/** The one actor of the kind. */
export const accessRef: ActorRef<AccessKind> = ref(accessKind, 'site');

/** The register after a command that happened; why it did not, otherwise. */
function register<C>(
  { changed, snapshot, command }: Turn<typeof accessMachine, C>,
  why: (context: AccessRegister, command: C) => StatewattError,
): AccessRegister {
  if (changed) return snapshot.context;
  throw why(snapshot.context, command);
}

function whyNoUser({ users }: AccessRegister, command: { name: string }): StatewattError {
  if (command.name in users) {
    return new StatewattError('access.user_exists', 'conflict', `there is a user ${command.name} already`);
  }
  if (Object.keys(users).length >= MAX_USERS) return full('users', MAX_USERS);
  return new StatewattError('access.first_admin', 'conflict', 'the first user has to be of the role admin');
}

function whyNoChange({ users }: AccessRegister, command: { name: string }): StatewattError {
  if (!(command.name in users)) return noUser(command.name);
  return new StatewattError(
    'access.last_admin',
    'conflict',
    `${command.name} is the last administrator who can sign in; make another one first`,
  );
}

function whyNoKey({ keys, users }: AccessRegister): StatewattError {
  if (Object.keys(users).length === 0) {
    return new StatewattError('access.first_admin', 'conflict', 'make a user of the role admin before the first key');
  }
  return full('keys', Object.keys(keys).length);
}

function full(what: string, allowed: number): StatewattError {
  return new StatewattError('access.full', 'conflict', `there are ${allowed} ${what}; that is all that is allowed`);
}

export function noUser(user: string): StatewattError {
  return new StatewattError('access.user_not_found', 'not_found', `there is no user ${user}`);
}

function noKey(key: string): StatewattError {
  return new StatewattError('access.key_not_found', 'not_found', `there is no API key ${key}`);
}

/** The sign-in is over: it ended, was ended, or its user may not come in any more. */
export function sessionEnded(): StatewattError {
  return new StatewattError('access.session_ended', 'invalid', 'the sign-in has ended; sign in again');
}
