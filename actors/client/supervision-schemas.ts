import Type, { type Static } from 'typebox';

/** So many refs and budgets of a partition are shown; an answer about all partitions stays below NATS's max_payload. */
export const SHOWN_OF_PARTITION = 20;

/** How the supervisor of a partition, and the parents in it, fare with the actors below them. */
export const SupervisorViewSchema = Type.Object({
  partition: Type.Integer(),
  node: Type.String({ description: 'the node that owns the partition' }),
  actors: Type.Integer({ description: 'actors that live in it' }),
  restarts: Type.Integer({ description: 'restarts of these actors since they came to the node' }),
  escalations: Type.Integer({
    description:
      'times that one of them crashed because its children did, beyond its intensity; since it came to the node',
  }),
  failed: Type.Integer({ description: 'of them, those that were given up' }),
  failedActors: Type.Array(Type.String(), {
    description: `refs of those that were given up, ascending, at most ${SHOWN_OF_PARTITION}`,
  }),
  budgets: Type.Array(
    Type.Object({
      ref: Type.String(),
      of: Type.Unsafe<'self' | 'one-for-one' | 'one-for-all' | 'rest-for-one'>({
        type: 'string',
        enum: ['self', 'one-for-one', 'one-for-all', 'rest-for-one'],
        description: 'self: its own crashes, answered by the partition’s supervisor; else those of its children',
      }),
      crashes: Type.Integer({ description: 'within the window' }),
      intensity: Type.Integer({ description: 'so many crashes within the window are answered by a restart' }),
      windowMs: Type.Number(),
    }),
    {
      description: `restart intensities of which something is used up, the fullest first, at most ${SHOWN_OF_PARTITION}`,
    },
  ),
});
export type SupervisorView = Static<typeof SupervisorViewSchema>;

/** A worker thread that was ended on purpose. */
export const KilledWorkerSchema = Type.Object({
  node: Type.String({ description: 'whose it was' }),
  thread: Type.Union([Type.Integer(), Type.Null()], { description: 'its number in the node; null: none was running' }),
});
export type KilledWorker = Static<typeof KilledWorkerSchema>;
