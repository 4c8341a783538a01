import { StatewattError } from '../../errors/error.js';
import { AccessControl } from '../../actors/access/access-control.js';
import { Passwords } from '../../actors/access/passwords.js';
import { accessKind } from '../../actors/access.js';
import type {
  AccessClient,
  ApiKeyView,
  AuditEntry,
  AuditNote,
  AuditPage,
  AuditQuery,
  CreatedApiKey,
  NewApiKey,
  NewUser,
  UserChanges,
  UserView,
} from '../../actors/client/access.js';
import type { ActorSystem } from '../../actors/runtime/system.js';
import { accessMachine, type AccessEvent } from '../../machines/access.js';
import { SimulatedActor } from './simulated-actor.js';

/** The real access control over the real state chart, both in memory, with a clock that the test moves. */
export class SimulatedAccess {
  readonly audit: AuditEntry[] = [];
  readonly control: AccessControl;
  readonly actor: SimulatedActor<typeof accessMachine>;
  now = 1_750_000_000_000;
  /** Questions to the register. */
  queries = 0;
  away = false;

  constructor({ openWhileEmpty = false } = {}) {
    this.actor = new SimulatedActor(accessMachine, undefined, this.now);
    this.control = new AccessControl({
      system: {
        ask: (_to: unknown, command: { type: string }) => this.#ask(command),
        query: () => this.#query(),
      } as unknown as ActorSystem,
      isBegun: () => this.#isBegun(),
      audit: { note: (note) => this.#note(note), read: () => Promise.resolve(this.#page()) },
      key: Buffer.alloc(32, 7),
      openWhileEmpty,
      passwords: new Passwords({ N: 16, r: 8, p: 1 }),
      now: () => this.now,
    });
  }

  /** A further node with the same register. */
  another(): AccessControl {
    const { ask, query } = { ask: this.#ask.bind(this), query: this.#query.bind(this) };
    return new AccessControl({
      system: { ask: (_to: unknown, command: { type: string }) => ask(command), query } as unknown as ActorSystem,
      isBegun: () => this.#isBegun(),
      audit: { note: (note) => this.#note(note), read: () => Promise.resolve(this.#page()) },
      key: Buffer.alloc(32, 7),
      openWhileEmpty: false,
      passwords: new Passwords({ N: 16, r: 8, p: 1 }),
      now: () => this.now,
    });
  }

  async #ask(command: { type: string }): Promise<unknown> {
    if (this.away) throw new StatewattError('bus.unavailable', 'unavailable', 'away');
    this.actor.now = this.now;
    const { validate, reply } = accessKind.commands[command.type] ?? {};
    if (validate?.(command) !== true) throw new Error(`${command.type}: ${JSON.stringify(validate?.errors)}`);
    const changed = this.actor.send(command as AccessEvent);
    return reply?.({ command, commandId: '1', snapshot: this.actor.snapshot, changed });
  }

  async #query(): Promise<unknown> {
    this.queries += 1;
    if (this.away) throw new StatewattError('bus.unavailable', 'unavailable', 'away');
    return { context: this.actor.snapshot.context };
  }

  async #isBegun(): Promise<boolean> {
    if (this.away) throw new StatewattError('bus.unavailable', 'unavailable', 'away');
    return Object.keys(this.actor.snapshot.context.users).length > 0;
  }

  #note(note: AuditNote): Promise<void> {
    this.audit.push({ ...note, seq: this.audit.length + 1, at: this.now, node: 'node-1' });
    return Promise.resolve();
  }

  #page(): AuditPage {
    return { entries: this.audit.toReversed(), nextCursor: null };
  }
}

/** Users and keys in memory, for tests of the faces. */
export class FakeAccess implements AccessClient {
  readonly #time: number;
  readonly #users = new Map<string, UserView>();
  readonly #keys = new Map<string, ApiKeyView>();

  constructor(time: number) {
    this.#time = time;
    const facts = { disabled: false, createdAt: time, changedAt: time };
    this.#users.set('admin', { name: 'admin', role: 'admin', ...facts, sessions: 1 });
    this.#users.set('olga', { name: 'olga', role: 'operator', ...facts, sessions: 0 });
    this.#keys.set('key-1', { id: 'key-1', name: 'scada', role: 'viewer', createdAt: time, endsAt: null });
  }

  async users(): Promise<UserView[]> {
    return [...this.#users.values()];
  }

  async createUser({ name, role }: NewUser): Promise<UserView> {
    if (this.#users.has(name)) {
      throw new StatewattError('access.user_exists', 'conflict', `there is a user ${name} already`);
    }
    const user = { name, role, disabled: false, createdAt: this.#time, changedAt: this.#time, sessions: 0 };
    this.#users.set(name, user);
    return user;
  }

  async updateUser(name: string, { role, disabled }: UserChanges): Promise<UserView> {
    const user = this.#user(name);
    const changed = { ...user, role: role ?? user.role, disabled: disabled ?? user.disabled };
    this.#users.set(name, changed);
    return changed;
  }

  async removeUser(name: string): Promise<void> {
    this.#users.delete(this.#user(name).name);
  }

  async keys(): Promise<ApiKeyView[]> {
    return [...this.#keys.values()];
  }

  async createKey({ name, role, endsAt = undefined }: NewApiKey): Promise<CreatedApiKey> {
    const id = `key-${this.#keys.size + 1}`;
    const view = { id, name, role, createdAt: this.#time, endsAt: endsAt ?? null };
    this.#keys.set(id, view);
    return { ...view, key: `swk_${id}.secret` };
  }

  async removeKey(id: string): Promise<void> {
    if (!this.#keys.delete(id))
      throw new StatewattError('access.key_not_found', 'not_found', `there is no API key ${id}`);
  }

  async audit({ who }: AuditQuery): Promise<AuditPage> {
    const entry: AuditEntry = {
      seq: 7,
      at: this.#time,
      who: 'olga',
      role: 'operator',
      address: '127.0.0.1',
      what: 'POST /api/v1/points/:address/write',
      ref: '/api/v1/points/1001:A:1/write',
      needs: 'operate',
      verdict: 'allowed',
      reason: null,
      requestId: '8ac9f64c-3475-4a37-9656-cfe9583702b1',
      node: 'node-1',
    };
    return { entries: who === undefined || who === entry.who ? [entry] : [], nextCursor: null };
  }

  #user(name: string): UserView {
    const user = this.#users.get(name);
    if (user === undefined) throw new StatewattError('access.user_not_found', 'not_found', `there is no user ${name}`);
    return user;
  }
}
