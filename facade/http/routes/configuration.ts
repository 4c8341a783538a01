import Type from 'typebox';
import type { StatewattClient } from '../../../actors/client/client.js';
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
} from '../../../actors/client/configuration.js';
import { administers, configures } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { errorAnswers, NoBody } from '../schemas.js';

const Params = Type.Object({ number: ConfigurationNumberSchema });
const { path, offset } = ConfigurationFileQuerySchema.properties;
const FileQuery = Type.Object({ path, offset }, { additionalProperties: false });

/** The configuration in force, those before it, and putting one of them back. */
export function configurationRoutes(app: HttpApp, client: StatewattClient): void {
  const tags = ['configuration'];
  const config = configures; // Whole files tell more than the site shows.
  app.get(
    '/config',
    {
      config,
      schema: {
        operationId: 'getConfiguration',
        summary: 'The configuration in force, and whether what lies on the disk is another or refused',
        tags,
        response: { 200: ConfigurationStatusSchema, ...errorAnswers },
      },
    },
    () => client.configuration.status(),
  );

  app.get(
    '/config/log',
    {
      config,
      schema: {
        operationId: 'listConfigurations',
        summary: 'The configurations that the site had, newest first, page by page',
        tags,
        querystring: ConfigurationLogQuerySchema,
        response: { 200: ConfigurationLogSchema, ...errorAnswers },
      },
    },
    (request) => client.configuration.log(request.query),
  );

  app.get(
    '/config/diff',
    {
      config,
      schema: {
        operationId: 'diffConfigurations',
        summary: 'What one configuration would change of another; without numbers: what the disk would change',
        tags,
        querystring: ConfigurationDiffQuerySchema,
        response: { 200: ConfigurationDiffSchema, ...errorAnswers },
      },
    },
    (request) => client.configuration.diff(request.query),
  );

  app.get(
    '/config/:number',
    {
      config,
      schema: {
        operationId: 'getConfigurationEntry',
        summary: 'One configuration with the list of its files',
        tags,
        params: Params,
        response: { 200: ConfigurationDetailSchema, ...errorAnswers },
      },
    },
    (request) => client.configuration.get(request.params.number),
  );

  app.get(
    '/config/:number/file',
    {
      config,
      schema: {
        operationId: 'getConfigurationFile',
        summary: 'A part of one file of a configuration',
        tags,
        params: Params,
        querystring: FileQuery,
        response: { 200: ConfigurationFileSchema, ...errorAnswers },
      },
    },
    ({ params, query }) => client.configuration.file({ ...params, ...query }),
  );

  app.post(
    '/config/:number/rollback',
    {
      config: administers,
      schema: {
        operationId: 'rollBackConfiguration',
        summary: 'Write the files of an earlier configuration back; answers when they are in force',
        tags,
        params: Params,
        body: NoBody,
        response: { 200: RollbackSchema, ...errorAnswers },
      },
    },
    ({ params, identity }) => client.configuration.rollBack(params.number, identity?.name ?? 'anonymous'),
  );
}
