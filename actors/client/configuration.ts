import Type, { type Static } from 'typebox';
import { CONFIGURATION_CAUSES, type ConfigurationCause } from '../../site/config/versions/cause.js';
import { SiteChangesSchema } from '../../site/config/versions/changes.js';

/** The configuration in force, those before it, and how one of them comes back. Part of the public client. */

const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const closed = { additionalProperties: false } as const;
const count = (description: string) => Type.Integer({ description });

export const ConfigurationNumberSchema = Type.Integer({
  minimum: 1,
  maximum: Number.MAX_SAFE_INTEGER,
  description: 'number of a configuration in the journal',
});

export const ConfigurationEntrySchema = Type.Object({
  number: count('from 1, rising by one'),
  at: Type.Number({ description: 'ms since the Unix epoch' }),
  cause: Type.Unsafe<ConfigurationCause>({
    type: 'string',
    enum: [...CONFIGURATION_CAUSES],
    description:
      'start and edit: the files said so; rollback: it was put back; kept: it lay on the disk, not in force, then',
  }),
  by: Type.String({ description: 'who put it back; else `file`' }),
  node: Type.String({ description: 'that saw it first' }),
  hash: Type.String({ description: 'SHA-256 of the files, hex' }),
  files: count('how many'),
  bytes: count('of all files'),
  pieces: count('in which the files are kept; 0: they are not, as there was no room'),
  secrets: count('that stand in the files themselves and are not kept; with any it cannot be put back'),
  summary: Type.String({ description: 'what changed, in a few words' }),
  of: Nullable(count('of a rollback: the configuration that was put back')),
});
export type ConfigurationEntry = Static<typeof ConfigurationEntrySchema>;

export const ProblemSchema = Type.Object({
  file: Type.String(),
  line: count('from 1; 0: the file as a whole'),
  column: count('from 1; 0: the file as a whole'),
  path: Type.String(),
  found: Type.String(),
  allowed: Type.String(),
  message: Type.String(),
});

export const DISK_STATES = ['inForce', 'differs', 'refused'] as const;
export const ConfigurationStatusSchema = Type.Object({
  inForce: Nullable(ConfigurationEntrySchema),
  watched: Type.Boolean({ description: 'edits come into force by themselves; else at the next start' }),
  disk: Type.Object({
    state: Type.Unsafe<(typeof DISK_STATES)[number]>({
      type: 'string',
      enum: [...DISK_STATES],
      description: 'refused: what lies there cannot be used, and is not in force',
    }),
    path: Type.String({ description: 'site file or folder at the node that answers' }),
    problems: Type.Array(ProblemSchema),
  }),
});
export type ConfigurationStatus = Static<typeof ConfigurationStatusSchema>;

export const ConfigurationLogQuerySchema = Type.Object(
  {
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
    cursor: Type.Optional(Type.String({ maxLength: 32, description: 'nextCursor of the previous page' })),
  },
  closed,
);
export type ConfigurationLogQuery = Static<typeof ConfigurationLogQuerySchema>;
export const ConfigurationLogSchema = Type.Object({
  entries: Type.Array(ConfigurationEntrySchema, { description: 'newest first' }),
  nextCursor: Nullable(Type.String()),
});
export type ConfigurationLog = Static<typeof ConfigurationLogSchema>;

export const ConfigurationDetailSchema = Type.Object({
  ...ConfigurationEntrySchema.properties,
  fileList: Type.Array(
    Type.Object({
      path: Type.String({ description: 'from the folder of the site file; absolute when it lies outside' }),
      bytes: count('of the file'),
      sha256: Type.String(),
    }),
    { description: 'the site file first' },
  ),
});
export type ConfigurationDetail = Static<typeof ConfigurationDetailSchema>;

export const ConfigurationFileQuerySchema = Type.Object(
  {
    number: ConfigurationNumberSchema,
    path: Type.String({ minLength: 1, maxLength: 4096, description: 'of one of its files' }),
    offset: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'nextOffset of the part before' })),
  },
  closed,
);
export type ConfigurationFileQuery = Static<typeof ConfigurationFileQuerySchema>;
export const ConfigurationFileSchema = Type.Object({
  path: Type.String(),
  text: Type.String({ description: 'secrets that stand in the file itself are ***' }),
  encoding: Type.Unsafe<'utf8' | 'base64'>({
    type: 'string',
    enum: ['utf8', 'base64'],
    description: 'base64: the file is no UTF-8',
  }),
  nextOffset: Nullable(count('where the next part begins; null: that was the last')),
});
export type ConfigurationFile = Static<typeof ConfigurationFileSchema>;

export const ConfigurationDiffQuerySchema = Type.Object(
  {
    from: Type.Optional(ConfigurationNumberSchema),
    to: Type.Optional(ConfigurationNumberSchema),
  },
  { ...closed, description: 'without `from` the one in force, without `to` what lies on the disk' },
);
export type ConfigurationDiffQuery = Static<typeof ConfigurationDiffQuerySchema>;
export const ConfigurationDiffSchema = Type.Object({
  from: Nullable(count('null: what lies on the disk')),
  to: Nullable(count('null: what lies on the disk')),
  summary: Type.String(),
  changes: SiteChangesSchema,
});
export type ConfigurationDiff = Static<typeof ConfigurationDiffSchema>;

export const RollbackSchema = Type.Object({
  number: count('the configuration that was put back'),
  inForce: Nullable(count('the entry that it is in force as; null: it comes into force at the next start')),
  kept: Nullable(count('the entry that what lay on the disk was kept as, where it was not in force')),
  written: Type.Array(Type.String(), { description: 'files that were written' }),
  removed: Type.Array(Type.String(), { description: 'files that it did not have' }),
});
export type RollbackReply = Static<typeof RollbackSchema>;

/** The part of the public client that deals with the configuration. */
export interface ConfigurationClient {
  /** What is in force, and what lies on the disk. */
  status(): Promise<ConfigurationStatus>;
  /** Those of the journal, newest first. @throws `config.invalid_cursor` */
  log(query: ConfigurationLogQuery): Promise<ConfigurationLog>;
  /** @throws `config.not_found`, `config.text_missing` */
  get(number: number): Promise<ConfigurationDetail>;
  /** A part of one of its files. @throws `config.not_found`, `config.text_missing`, `config.no_such_file` */
  file(query: ConfigurationFileQuery): Promise<ConfigurationFile>;
  /** What one would change of another. @throws `config.not_found`, `config.text_missing`, `config.invalid` */
  diff(query: ConfigurationDiffQuery): Promise<ConfigurationDiff>;
  /**
   * Writes the files of an earlier configuration back; they come into force as any edit does.
   * @throws `config.not_found`, `config.text_missing`, `config.secrets_not_kept`; `config.invalid`: today’s software takes
   * it no more; `config.would_differ`, `config.not_written`, `config.being_written`; nothing has changed then
   */
  rollBack(number: number, by: string): Promise<RollbackReply>;
}
