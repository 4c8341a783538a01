import Type from 'typebox';
import {
  ApiKeyViewSchema,
  AuditPageSchema,
  AuditQuerySchema,
  CreatedApiKeySchema,
  KeyIdSchema,
  NewApiKeySchema,
  NewUserSchema,
  UserChangesSchema,
  UserNameSchema,
  UserViewSchema,
} from './access.js';
import { endpoint } from './endpoint.js';

const closed = { additionalProperties: false } as const;
const Nothing = Type.Object({}, closed);

/** The requests about users, API keys and the audit journal. All of them count as changes: they are for administrators. */
export const accessEndpoints = {
  accessUsers: endpoint('access', 'users', {
    summary: 'Who may sign in',
    changes: true,
    request: Nothing,
    response: Type.Object({ users: Type.Array(UserViewSchema) }),
    call: async ({ client }) => ({ users: await client.access.users() }),
  }),
  accessCreateUser: endpoint('access', 'create-user', {
    summary: 'Let somebody sign in; the first one has to be an administrator',
    changes: true,
    request: NewUserSchema,
    response: UserViewSchema,
    call: ({ client }, user) => client.access.createUser(user),
  }),
  accessUpdateUser: endpoint('access', 'update-user', {
    summary: 'Give a user another role or password, or disable it',
    changes: true,
    request: Type.Object({ name: UserNameSchema, changes: UserChangesSchema }, closed),
    response: UserViewSchema,
    call: ({ client }, { name, changes }) => client.access.updateUser(name, changes),
  }),
  accessRemoveUser: endpoint('access', 'remove-user', {
    summary: 'Remove a user',
    changes: true,
    request: Type.Object({ name: UserNameSchema }, closed),
    response: Type.Object({}),
    call: async ({ client }, { name }) => {
      await client.access.removeUser(name);
      return {};
    },
  }),
  accessKeys: endpoint('access', 'keys', {
    summary: 'The API keys, without the keys themselves',
    changes: true,
    request: Nothing,
    response: Type.Object({ keys: Type.Array(ApiKeyViewSchema) }),
    call: async ({ client }) => ({ keys: await client.access.keys() }),
  }),
  accessCreateKey: endpoint('access', 'create-key', {
    summary: 'Make an API key; the answer is the only place where it is shown',
    changes: true,
    request: NewApiKeySchema,
    response: CreatedApiKeySchema,
    call: ({ client }, key) => client.access.createKey(key),
  }),
  accessRemoveKey: endpoint('access', 'remove-key', {
    summary: 'End an API key',
    changes: true,
    request: Type.Object({ id: KeyIdSchema }, closed),
    response: Type.Object({}),
    call: async ({ client }, { id }) => {
      await client.access.removeKey(id);
      return {};
    },
  }),
  accessAudit: endpoint('access', 'audit', {
    summary: 'Who did what, newest first, page by page',
    changes: true,
    request: AuditQuerySchema,
    response: AuditPageSchema,
    call: ({ client }, query) => client.access.audit(query),
  }),
} as const;
