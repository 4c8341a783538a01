import Type from 'typebox';
import {
  ConfigurationDetailSchema,
  ConfigurationDiffQuerySchema,
  ConfigurationDiffSchema,
  ConfigurationFileQuerySchema,
  ConfigurationFileSchema,
  ConfigurationLogQuerySchema,
  ConfigurationLogSchema,
  ConfigurationNumberSchema,
  ConfigurationStatusSchema,
  RollbackSchema,
} from './configuration.js';
import { endpoint } from './endpoint.js';

const closed = { additionalProperties: false } as const;
const number = ConfigurationNumberSchema;
const by = Type.Optional(
  Type.String({ minLength: 1, maxLength: 128, description: 'who asks, where nobody has to sign in' }),
);

/** The requests about the configuration. */
export const configurationEndpoints = {
  configurationStatus: endpoint('configuration', 'status', {
    summary: 'The configuration in force, and whether what lies on the disk is another or refused',
    request: Type.Object({}, closed),
    response: ConfigurationStatusSchema,
    call: ({ client }) => client.configuration.status(),
  }),
  configurationLog: endpoint('configuration', 'log', {
    summary: 'The configurations that the site had, newest first, page by page',
    request: ConfigurationLogQuerySchema,
    response: ConfigurationLogSchema,
    call: ({ client }, query) => client.configuration.log(query),
  }),
  configurationGet: endpoint('configuration', 'get', {
    summary: 'One configuration with the list of its files',
    request: Type.Object({ number }, closed),
    response: ConfigurationDetailSchema,
    call: ({ client }, request) => client.configuration.get(request.number),
  }),
  configurationFile: endpoint('configuration', 'file', {
    summary: 'A part of one file of a configuration',
    request: ConfigurationFileQuerySchema,
    response: ConfigurationFileSchema,
    call: ({ client }, query) => client.configuration.file(query),
  }),
  configurationDiff: endpoint('configuration', 'diff', {
    summary: 'What one configuration would change of another',
    request: ConfigurationDiffQuerySchema,
    response: ConfigurationDiffSchema,
    call: ({ client }, query) => client.configuration.diff(query),
  }),
  configurationRollback: endpoint('configuration', 'rollback', {
    summary: 'Write the files of an earlier configuration back; answers when they are in force',
    changes: true,
    request: Type.Object({ number, by }, closed),
    response: RollbackSchema,
    call: ({ client }, request) => client.configuration.rollBack(request.number, request.by ?? 'anonymous'),
  }),
} as const;
