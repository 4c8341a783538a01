import { accessEndpoints } from './access-endpoints.js';
import type {
  AccessClient,
  ApiKeyView,
  AuditPage,
  AuditQuery,
  CreatedApiKey,
  NewApiKey,
  NewUser,
  UserChanges,
  UserView,
} from './access.js';
import type { Asker } from './remote-ask.js';

/** Users, keys and the audit journal of a site that runs elsewhere, over its NATS services. */
export class RemoteAccess implements AccessClient {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  async users(): Promise<UserView[]> {
    return (await this.#asker.ask(accessEndpoints.accessUsers, {})).users;
  }

  createUser(user: NewUser): Promise<UserView> {
    return this.#asker.ask(accessEndpoints.accessCreateUser, user);
  }

  updateUser(name: string, changes: UserChanges): Promise<UserView> {
    return this.#asker.ask(accessEndpoints.accessUpdateUser, { name, changes });
  }

  async removeUser(name: string): Promise<void> {
    await this.#asker.ask(accessEndpoints.accessRemoveUser, { name });
  }

  async keys(): Promise<ApiKeyView[]> {
    return (await this.#asker.ask(accessEndpoints.accessKeys, {})).keys;
  }

  createKey(key: NewApiKey): Promise<CreatedApiKey> {
    return this.#asker.ask(accessEndpoints.accessCreateKey, key);
  }

  async removeKey(id: string): Promise<void> {
    await this.#asker.ask(accessEndpoints.accessRemoveKey, { id });
  }

  audit(query: AuditQuery): Promise<AuditPage> {
    return this.#asker.ask(accessEndpoints.accessAudit, query);
  }
}
