import Type, { type Static } from 'typebox';
import { NEEDS, ROLES, type Need, type Role } from '../../site/access.js';

/** Who may come in, what they may do, and who did what. Part of the public client. */

function literals<T extends readonly string[]>(values: T, description?: string) {
  return Type.Unsafe<T[number]>({
    type: 'string',
    enum: [...values],
    ...(description === undefined ? {} : { description }),
  });
}
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });
const closed = { additionalProperties: false } as const;

/** The last instant that a Date can hold (ECMA-262, section 21.4.1.1). */
const MAX_MILLIS = 8.64e15;

export const UserNameSchema = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$',
  minLength: 1,
  maxLength: 64,
  description: 'letters, digits and . _ @ -',
});
export const PasswordSchema = Type.String({ minLength: 10, maxLength: 256 });
export const RoleSchema = literals(ROLES, 'each may all that those before it may');
export const KeyIdSchema = Type.String({ minLength: 1, maxLength: 64 });

export const UserViewSchema = Type.Object({
  name: Type.String(),
  role: RoleSchema,
  disabled: Type.Boolean({ description: 'may not sign in' }),
  createdAt: Millis('when it was made'),
  changedAt: Millis('when role, password or disabled was changed last'),
  sessions: Type.Integer({ description: 'sign-ins that are open' }),
});
export type UserView = Static<typeof UserViewSchema>;

export const NewUserSchema = Type.Object({ name: UserNameSchema, role: RoleSchema, password: PasswordSchema }, closed);
export type NewUser = Static<typeof NewUserSchema>;

export const UserChangesSchema = Type.Object(
  {
    role: Type.Optional(RoleSchema),
    password: Type.Optional(PasswordSchema),
    disabled: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type UserChanges = Static<typeof UserChangesSchema>;

export const ApiKeyViewSchema = Type.Object({
  id: Type.String(),
  name: Type.String({ description: 'of the program that has it' }),
  role: RoleSchema,
  createdAt: Millis('when it was made'),
  endsAt: Nullable(Millis('when it ends')),
});
export type ApiKeyView = Static<typeof ApiKeyViewSchema>;

export const NewApiKeySchema = Type.Object(
  {
    name: UserNameSchema,
    role: RoleSchema,
    endsAt: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_MILLIS, description: 'ms since the Unix epoch' })),
  },
  closed,
);
export type NewApiKey = Static<typeof NewApiKeySchema>;

export const CreatedApiKeySchema = Type.Object({
  ...ApiKeyViewSchema.properties,
  key: Type.String({ description: 'shown this once; only a hash of it is kept' }),
});
export type CreatedApiKey = Static<typeof CreatedApiKeySchema>;

export const AUDIT_VERDICTS = ['allowed', 'denied'] as const;
export const AuditEntrySchema = Type.Object({
  seq: Type.Integer({ description: 'sequence in the audit journal' }),
  at: Millis('when'),
  who: Type.String({ description: 'user, API key as key:<name>, or anonymous' }),
  role: Nullable(RoleSchema),
  address: Type.String({ description: 'where the request came from' }),
  what: Type.String({ description: 'method and route, WS and method, or NATS and subject' }),
  ref: Type.String({ description: 'what it was about: the path, or the parameters’ address or id' }),
  needs: literals(NEEDS),
  verdict: literals(AUDIT_VERDICTS),
  reason: Nullable(Type.String({ description: 'code of the error when denied' })),
  requestId: Type.String(),
  node: Type.String(),
});
export type AuditEntry = Static<typeof AuditEntrySchema>;
/** What whoever checks a request writes down of it. */
export type AuditNote = Omit<AuditEntry, 'seq' | 'at' | 'node'>;

export const AuditQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 32, description: 'nextCursor of the previous page' })),
    who: Type.Optional(Type.String({ maxLength: 128 })),
    from: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_MILLIS })),
    to: Type.Optional(Type.Number({ minimum: 0, maximum: MAX_MILLIS })),
  },
  closed,
);
export type AuditQuery = Static<typeof AuditQuerySchema>;
export const AuditPageSchema = Type.Object({
  entries: Type.Array(AuditEntrySchema, { description: 'newest first' }),
  nextCursor: Nullable(Type.String()),
});
export type AuditPage = Static<typeof AuditPageSchema>;

/** The part of the public client that deals with users, keys and the audit journal. */
export interface AccessClient {
  users(): Promise<UserView[]>;
  /** @throws `access.user_exists`, `access.first_admin`, `access.full` */
  createUser(user: NewUser): Promise<UserView>;
  /** A new password, or `disabled`, ends the user’s sign-ins. @throws `access.user_not_found`, `access.last_admin` */
  updateUser(name: string, changes: UserChanges): Promise<UserView>;
  /** @throws `access.user_not_found`, `access.last_admin` */
  removeUser(name: string): Promise<void>;
  keys(): Promise<ApiKeyView[]>;
  /** The one answer that has the key itself. @throws `access.first_admin`, `access.full` */
  createKey(key: NewApiKey): Promise<CreatedApiKey>;
  /** @throws `access.key_not_found` */
  removeKey(id: string): Promise<void>;
  /** Who did what, newest first. @throws `access.invalid_cursor` */
  audit(query: AuditQuery): Promise<AuditPage>;
}

/** Who a request is from. */
export interface Identity {
  /** User, `key:<name>` of an API key, `local:<node>` of the command line there, or `anonymous` while nobody has to sign in. */
  readonly name: string;
  readonly role: Role;
  readonly via: 'user' | 'key' | 'local' | 'open';
  /** Of a user. */
  readonly session?: string;
  /** Id of an API key. */
  readonly key?: string;
}

/** What a request shows of itself. */
export interface Credentials {
  /** Access token of a user, or that of the command line on a node’s own machine. */
  readonly token?: string;
  readonly apiKey?: string;
}

/** What a sign-in gives. */
export interface SignIn {
  readonly token: string;
  readonly refreshToken: string;
  /** Seconds that the token is good for. */
  readonly expiresIn: number;
  /** Seconds that the refresh token is good for. */
  readonly refreshExpiresIn: number;
  readonly user: string;
  readonly role: Role;
}

/** Lets callers of the faces in, or not. */
export interface Gatekeeper {
  /** undefined: nothing was shown, and that is not enough. @throws `access.invalid_credentials`, `access.token_expired` … */
  identify(credentials: Credentials): Promise<Identity | undefined>;
  /** The same when it can be said without waiting and is somebody; otherwise undefined: ask `identify`. */
  identifyNow(credentials: Credentials): Identity | undefined;
  /** @throws `access.invalid_credentials`, `access.throttled` */
  signIn(name: string, password: string, address: string): Promise<SignIn>;
  /** Each refresh token is good once. @throws `access.session_ended` */
  refresh(refreshToken: string): Promise<SignIn>;
  signOut(identity: Identity): Promise<void>;
  /** Whether somebody who came in may still be in, and as the same. @throws `access.unavailable` */
  holds(identity: Identity): Promise<boolean>;
  /** Resolves when it is durable. */
  note(entry: AuditNote): Promise<void>;
}

export type { Need, Role };
