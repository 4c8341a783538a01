import Type from 'typebox';
import {
  ExportQuerySchema,
  ImportReplySchema,
  ImportRequestSchema,
  SeriesPageSchema,
  SeriesQuerySchema,
} from './archive-schemas.js';
import { subjects } from '../../bus/subjects.js';
import { endpoint } from './endpoint.js';
import { MappingIdSchema, MappingSchema, MappingsSchema, MappingViewSchema } from './history-mappings.js';

const closed = { additionalProperties: false } as const;

/** The pieces of a reader's file are asked for here. */
export function piecesSubject(reader: string): string {
  return subjects.api('history', `pieces.${reader}`);
}

/** Who fetches a file, and where its pieces are. */
export const ReaderSchema = Type.String({
  description: 'a name that nobody else uses, as a UUID',
  pattern: '^[A-Za-z0-9_-]{8,64}$',
});
export const OpenedFileSchema = Type.Object({
  subject: Type.String({ description: 'each request is answered by the next piece; the last one is empty' }),
  idleMs: Type.Integer({ description: 'the file is closed when nothing is requested for so long' }),
});

/** The requests about history beside the pages of one point's values. */
export const archiveEndpoints = {
  historySeries: endpoint('history', 'series', {
    summary: 'Values of several points, aggregated in buckets of time, page by page',
    request: SeriesQuerySchema,
    response: SeriesPageSchema,
    call: ({ client }, query) => client.archive.series(query),
  }),
  historyImport: endpoint('history', 'import', {
    summary: 'Add values that come late or from elsewhere, each point and time once; answers once they are durable',
    changes: true,
    request: ImportRequestSchema,
    response: ImportReplySchema,
    call: ({ client }, request) => client.archive.import(request),
  }),
  historyMappings: endpoint('history', 'mappings', {
    summary:
      'What is stored of which points: what the site file says, and what callers want, in the order in which it counts',
    request: Type.Object({}, closed),
    response: MappingsSchema,
    call: ({ client }) => client.archive.mappings(),
  }),
  historyPutMapping: endpoint('history', 'put-mapping', {
    summary: 'Say what is stored of some points; answers once it is durable',
    changes: true,
    request: Type.Object({ id: MappingIdSchema, mapping: MappingSchema }, closed),
    response: MappingViewSchema,
    call: ({ client }, { id, mapping }) => client.archive.putMapping(id, mapping),
  }),
  historyRemoveMapping: endpoint('history', 'remove-mapping', {
    summary: 'Remove a mapping of a caller',
    changes: true,
    request: Type.Object({ id: MappingIdSchema }, closed),
    response: Type.Object({}),
    call: async ({ client }, { id }) => {
      await client.archive.removeMapping(id);
      return {};
    },
  }),
  historyExport: endpoint('history', 'export', {
    summary: 'Open a file of values; request the subject in the answer again and again for its pieces',
    request: Type.Object(
      {
        ...ExportQuerySchema.properties,
        reader: ReaderSchema,
      },
      closed,
    ),
    response: OpenedFileSchema,
    call: ({ client, openFile }, { reader, ...query }) =>
      Promise.resolve(openFile(reader, (signal) => client.archive.export(query, signal))),
  }),
} as const;
