import { StatewattError } from '../../errors/error.js';
import type { AccessRegister, ApiKeyRecord, UserRecord } from '../../site/access.js';
import { accessRef, noUser, sessionEnded } from '../access.js';
import type {
  AccessClient,
  ApiKeyView,
  AuditNote,
  AuditPage,
  AuditQuery,
  CreatedApiKey,
  Credentials,
  Gatekeeper,
  Identity,
  NewApiKey,
  NewUser,
  SignIn,
  UserChanges,
  UserView,
} from '../client/access.js';
import type { ActorSystem } from '../runtime/system.js';
import type { AuditJournal } from './audit-journal.js';
import { LoginThrottle } from './login-throttle.js';
import { Passwords } from './passwords.js';
import { KnownRegister } from './register.js';
import {
  ACCESS_TOKEN_MS,
  AccessTokens,
  formatApiKey,
  formatRefreshToken,
  hashSecret,
  invalidCredentials,
  isLocalToken,
  isSecret,
  makeId,
  makeSecret,
  parseApiKey,
  parseRefreshToken,
} from './tokens.js';

/** A sign-in that is not used for so long ends. */
const SESSION_MS = 7 * 86_400_000;
/** What every caller is while nobody has to sign in. */
const ANYBODY: Identity = { name: 'anonymous', role: 'admin', via: 'open' };

export interface AccessControlParts {
  readonly system: Pick<ActorSystem, 'ask' | 'query'>;
  /** Whether anybody was ever let in: a register without a history is empty, and need not be brought to life. */
  readonly isBegun: () => Promise<boolean>;
  readonly audit: Pick<AuditJournal, 'note' | 'read'>;
  /** Signs tokens; the same on all nodes. */
  readonly key: Uint8Array;
  /** Whether everybody may do everything as long as there is no user and no key. */
  readonly openWhileEmpty: boolean;
  readonly passwords?: Passwords;
  readonly now?: () => number;
}

/** Who may come in at this node, and what they may do; the register itself is the actor `access/site`. */
export class AccessControl implements Gatekeeper, AccessClient {
  readonly #parts: AccessControlParts;
  readonly #passwords: Passwords;
  readonly #tokens: AccessTokens;
  readonly #throttle: LoginThrottle;
  readonly #known: KnownRegister;
  readonly #now: () => number;
  #begun = false;

  constructor(parts: AccessControlParts) {
    const { now = Date.now } = parts;
    this.#parts = parts;
    this.#now = now;
    this.#passwords = parts.passwords ?? new Passwords();
    this.#tokens = new AccessTokens(parts.key, now);
    this.#throttle = new LoginThrottle(now);
    this.#known = new KnownRegister(() => this.#ask(), now);
  }

  /** Learns who may come in, and goes on learning: so it is known too while the register cannot be asked. */
  start(): Promise<void> {
    return this.#known.start();
  }

  stop(): void {
    this.#known.stop();
  }

  async identify({ token, apiKey }: Credentials): Promise<Identity | undefined> {
    if (apiKey === undefined && token !== undefined && isLocalToken(token)) return this.#ofLocal(token);
    const register = await this.#known.read();
    if (apiKey !== undefined) return this.#ofKey(register, apiKey);
    if (token !== undefined)
      return token.startsWith('swk_') ? this.#ofKey(register, token) : this.#ofToken(register, token);
    return this.#parts.openWhileEmpty && isEmpty(register) ? ANYBODY : undefined;
  }

  identifyNow({ token, apiKey }: Credentials): Identity | undefined {
    if (token !== undefined || apiKey !== undefined || !this.#parts.openWhileEmpty) return undefined;
    const register = this.#known.fresh();
    return register !== undefined && isEmpty(register) ? ANYBODY : undefined;
  }

  async holds({ name, role, via, session, key }: Identity): Promise<boolean> {
    if (via === 'local') return true;
    const register = await this.#known.read();
    if (via === 'open') return this.#parts.openWhileEmpty && isEmpty(register);
    if (via === 'key') {
      const record = key === undefined || !Object.hasOwn(register.keys, key) ? undefined : register.keys[key];
      return record?.role === role && (record.endsAt === null || record.endsAt > this.#now());
    }
    const user = userOf(register, name);
    return user?.role === role && !user.disabled && this.#isOpen(user, session);
  }

  /** What lets the command line of this machine in; good for a day. Whoever reads it is an administrator. */
  localToken(node: string): Promise<string> {
    return this.#tokens.makeLocal(node);
  }

  async signIn(name: string, password: string, address: string): Promise<SignIn> {
    const counted = [`name ${name}`, `address ${address}`];
    this.#throttle.admit(counted);
    const user = userOf(await this.#known.read(), name);
    const isRight = await this.#passwords.verify(password, user?.password);
    if (!isRight || user === undefined || user.disabled) {
      this.#throttle.failed(counted);
      throw invalidCredentials('name or password');
    }
    this.#throttle.succeeded(`name ${name}`);
    const [id, secret] = [makeId(), makeSecret()];
    const endsAt = this.#now() + SESSION_MS;
    const { system } = this.#parts;
    this.#known.learn(
      await system.ask(accessRef, { type: 'openSession', name, id, token: hashSecret(secret), endsAt }),
    );
    return this.#signedIn(user, id, secret);
  }

  async refresh(refreshToken: string): Promise<SignIn> {
    const { user: name, session: id, secret } = parseRefreshToken(refreshToken);
    if (userOf(await this.#known.read(), name) === undefined) throw sessionEnded();
    const nextSecret = makeSecret();
    const endsAt = this.#now() + SESSION_MS;
    const command = {
      type: 'renewSession',
      ...{ name, id, endsAt, token: hashSecret(secret), nextToken: hashSecret(nextSecret) },
    } as const;
    try {
      const { users } = await this.#parts.system.ask(accessRef, command);
      this.#known.forget();
      const user = users[name];
      if (user === undefined || user.disabled) throw sessionEnded();
      return await this.#signedIn(user, id, nextSecret);
    } catch (error) {
      this.#known.forget(); // It may have been ended as stolen.
      throw error;
    }
  }

  async signOut({ name, session }: Identity): Promise<void> {
    if (session === undefined) return;
    this.#known.learn(await this.#parts.system.ask(accessRef, { type: 'endSession', name, id: session }));
  }

  note(entry: AuditNote): Promise<void> {
    return this.#parts.audit.note(entry);
  }

  async users(): Promise<UserView[]> {
    const { users } = await this.#known.readNow();
    return Object.values(users)
      .map((user) => viewUser(user, this.#now()))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async createUser({ name, role, password }: NewUser): Promise<UserView> {
    const hash = await this.#passwords.hash(password);
    return this.#userAfter(
      name,
      await this.#parts.system.ask(accessRef, { type: 'addUser', name, role, password: hash }),
    );
  }

  async updateUser(name: string, { role, password, disabled }: UserChanges): Promise<UserView> {
    const command = {
      type: 'changeUser',
      name,
      ...(role === undefined ? {} : { role }),
      ...(disabled === undefined ? {} : { disabled }),
      ...(password === undefined ? {} : { password: await this.#passwords.hash(password) }),
    } as const;
    return this.#userAfter(name, await this.#parts.system.ask(accessRef, command));
  }

  async removeUser(name: string): Promise<void> {
    this.#known.learn(await this.#parts.system.ask(accessRef, { type: 'removeUser', name }));
  }

  async keys(): Promise<ApiKeyView[]> {
    const { keys } = await this.#known.readNow();
    return Object.values(keys)
      .map(viewKey)
      .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
  }

  async createKey({ name, role, endsAt }: NewApiKey): Promise<CreatedApiKey> {
    const [id, secret] = [makeId(), makeSecret()];
    const command = { type: 'addKey', id, name, role, secret: hashSecret(secret), endsAt: endsAt ?? null } as const;
    const register = await this.#parts.system.ask(accessRef, command);
    this.#known.learn(register);
    return { ...viewKey(register.keys[id] as ApiKeyRecord), key: formatApiKey(id, secret) };
  }

  async removeKey(id: string): Promise<void> {
    this.#known.learn(await this.#parts.system.ask(accessRef, { type: 'removeKey', id }));
  }

  audit(query: AuditQuery): Promise<AuditPage> {
    return this.#parts.audit.read(query);
  }

  async #ask(): Promise<AccessRegister> {
    this.#begun ||= await this.#parts.isBegun();
    if (!this.#begun) return { users: {}, keys: {} };
    return (await this.#parts.system.query(accessRef)).context as AccessRegister;
  }

  #ofKey({ keys }: AccessRegister, text: string): Identity {
    const given = parseApiKey(text);
    const key = given !== undefined && Object.hasOwn(keys, given.id) ? keys[given.id] : undefined;
    const isRight = isSecret(given?.secret ?? '', key?.secret ?? hashSecret('nothing'));
    if (key === undefined || !isRight || (key.endsAt !== null && key.endsAt <= this.#now())) {
      throw invalidCredentials('API key');
    }
    return { name: `key:${key.name}`, role: key.role, via: 'key', key: key.id };
  }

  async #ofLocal(token: string): Promise<Identity> {
    return { name: `local:${await this.#tokens.readLocal(token)}`, role: 'admin', via: 'local' };
  }

  #isOpen({ sessions }: UserRecord, session: string | undefined): boolean {
    return sessions.some(({ id, endsAt }) => id === session && endsAt > this.#now());
  }

  /** The role is that of now, and a sign-in that was ended is no good any more, whatever the token says. */
  async #ofToken(register: AccessRegister, token: string): Promise<Identity> {
    const { user: name, session } = await this.#tokens.read(token);
    const user = userOf(register, name);
    if (user === undefined || user.disabled || !this.#isOpen(user, session)) throw sessionEnded();
    return { name, role: user.role, via: 'user', session };
  }

  async #signedIn({ name, role }: UserRecord, session: string, secret: string): Promise<SignIn> {
    return {
      token: await this.#tokens.make({ user: name, session }),
      refreshToken: formatRefreshToken(name, session, secret),
      expiresIn: ACCESS_TOKEN_MS / 1_000,
      refreshExpiresIn: SESSION_MS / 1_000,
      user: name,
      role,
    };
  }

  #userAfter(name: string, register: AccessRegister): UserView {
    this.#known.learn(register);
    const user = userOf(register, name);
    if (user === undefined) throw noUser(name);
    return viewUser(user, this.#now());
  }
}

function userOf({ users }: AccessRegister, name: string): UserRecord | undefined {
  return Object.hasOwn(users, name) ? users[name] : undefined;
}

export function isEmpty({ users, keys }: AccessRegister): boolean {
  return Object.keys(users).length === 0 && Object.keys(keys).length === 0;
}

function viewUser({ name, role, disabled, createdAt, changedAt, sessions }: UserRecord, now: number): UserView {
  return { name, role, disabled, createdAt, changedAt, sessions: sessions.filter(({ endsAt }) => endsAt > now).length };
}

function viewKey({ id, name, role, createdAt, endsAt }: ApiKeyRecord): ApiKeyView {
  return { id, name, role, createdAt, endsAt };
}

/** Nobody may come in, and nobody can let anybody in. */
export function accessRequired(host: string): StatewattError {
  return new StatewattError(
    'access.required',
    'invalid',
    `HTTP would listen on ${host}, where others can reach it, and nobody has to sign in yet. Allowed: name the password ` +
      'of the first administrator in STATEWATT_ADMIN_PASSWORD (10 characters or more), make users first ' +
      '(statewatt users add, while HTTP listens on 127.0.0.1), or stay on 127.0.0.1.',
    { details: { found: host, allowed: ['127.0.0.1', '::1', 'localhost'] } },
  );
}
