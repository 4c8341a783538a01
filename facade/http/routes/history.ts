import type { Readable } from 'node:stream';
import Type from 'typebox';
import { toAddresses } from '../../../actors/client/addresses.js';
import { AGGREGATES, ExportQuerySchema, SeriesQuerySchema } from '../../../actors/client/archive-schemas.js';
import type { StatewattClient } from '../../../actors/client/client.js';
import {
  MappingIdSchema,
  MappingSchema,
  MappingsSchema,
  MappingViewSchema,
} from '../../../actors/client/history-mappings.js';
import { importFile } from '../../../actors/client/import-file.js';
import { StatewattError } from '../../../errors/error.js';
import { configures, operates, reads } from '../access/needs.js';
import type { HttpApp } from '../app.js';
import { ImportSummary, SeriesPage, errorAnswers } from '../schemas.js';
import { fileAnswer } from './file-answer.js';

const { points: _points, aggregates: _aggregates, ...seriesOptions } = SeriesQuerySchema.properties;
const { channel, from, to, resolution, format } = ExportQuerySchema.properties;
const closed = { additionalProperties: false } as const;
const points = Type.String({ description: 'addresses, comma separated', examples: ['1001:T:1,model:roof:power'] });

const SeriesRange = Type.Object(
  {
    points,
    aggregates: Type.Optional(
      Type.String({ description: `comma separated, of ${AGGREGATES.join(', ')}; default avg` }),
    ),
    ...seriesOptions,
  },
  closed,
);
const ExportRange = Type.Object({ points: Type.Optional(points), channel, from, to, resolution, format }, closed);

const IMPORTED = ['text/csv', 'application/x-ndjson'];
const SENT = { csv: 'text/csv; charset=utf-8', parquet: 'application/vnd.apache.parquet' } as const;

/** History beside the pages of one point: several points in buckets, export, import. */
export function historyRoutes(app: HttpApp, client: StatewattClient): void {
  app.get(
    '/history',
    {
      config: reads,
      schema: {
        operationId: 'getSeries',
        summary: 'Values of several points, aggregated in buckets of time, page by page',
        tags: ['history'],
        querystring: SeriesRange,
        response: { 200: SeriesPage, ...errorAnswers },
      },
    },
    ({ query: { points, aggregates, ...rest } }) =>
      client.archive.series({
        ...rest,
        points: toAddresses(points),
        ...(aggregates === undefined ? {} : { aggregates: toAggregates(aggregates) }),
      }),
  );

  app.get(
    '/history/export',
    {
      config: reads,
      schema: {
        operationId: 'exportHistory',
        summary: 'Values as a file of CSV or Parquet, as they are read',
        tags: ['history'],
        querystring: ExportRange,
        response: {
          200: {
            description: 'the file',
            content: Object.fromEntries(
              Object.values(SENT).map((type) => [type, { schema: Type.Unsafe<Readable>({ type: 'string' }) }]),
            ),
          },
          ...errorAnswers,
        },
      },
    },
    async ({ query: { points, ...rest } }, reply) => {
      const query = { ...rest, ...(points === undefined ? {} : { points: toAddresses(points) }) };
      const file = await fileAnswer(reply, (signal) => client.archive.export(query, signal));
      const { format = 'csv' } = rest;
      reply.header('content-disposition', `attachment; filename="history.${format}"`);
      return reply.type(SENT[format]).send(file);
    },
  );

  const tags = ['history'];
  const params = Type.Object({ id: MappingIdSchema });
  app.get(
    '/history/mappings',
    {
      config: reads,
      schema: {
        operationId: 'listMappings',
        summary:
          'What is stored of which points: what the site file says, and what callers want, in the order in which it counts',
        tags,
        response: { 200: MappingsSchema, ...errorAnswers },
      },
    },
    () => client.archive.mappings(),
  );

  app.put(
    '/history/mappings/:id',
    {
      config: configures,
      schema: {
        operationId: 'putMapping',
        summary: 'Say what is stored of some points; answers once it is durable',
        tags,
        params,
        body: MappingSchema,
        response: { 200: MappingViewSchema, ...errorAnswers },
      },
    },
    (request) => client.archive.putMapping(request.params.id, request.body),
  );

  app.delete(
    '/history/mappings/:id',
    {
      config: configures,
      schema: {
        operationId: 'removeMapping',
        summary: 'Remove a mapping of a caller',
        tags,
        params,
        response: { 204: Type.Null(), ...errorAnswers },
      },
    },
    async (request, reply) => {
      await client.archive.removeMapping(request.params.id);
      return reply.code(204).send(null);
    },
  );

  void app.register((files, _options, done) => {
    files.addContentTypeParser(IMPORTED, (_request, body, parsed) => parsed(null, body));
    files.post(
      '/history/import',
      {
        config: { ...operates, takes: IMPORTED },
        schema: {
          operationId: 'importHistory',
          summary: 'Add values that come late or from elsewhere; each point and time once, however often they are sent',
          description: 'Answers once all rows are durable. Rows that are wrong are told by line, and left out.',
          tags: ['history'],
          consumes: IMPORTED,
          response: { 200: ImportSummary, ...errorAnswers },
        },
      },
      (request) =>
        importFile(
          client.archive,
          request.body as Readable,
          request.headers['content-type']?.includes('ndjson') === true ? 'ndjson' : 'csv',
        ),
    );
    done();
  });
}

/** @throws `history.invalid_query` */
function toAggregates(text: string): (typeof AGGREGATES)[number][] {
  return text.split(',').map((each) => {
    const found = AGGREGATES.find((name) => name === each.trim());
    if (found !== undefined) return found;
    const message = `"${each.slice(0, 40)}" is no aggregate; allowed: ${AGGREGATES.join(', ')}.`;
    throw new StatewattError('history.invalid_query', 'invalid', message);
  });
}
