import Type, { type Static } from 'typebox';
import { MAPPING_SHAPE } from '../../site/history/schema.js';

/** What is stored of which points, as callers add to what the site file says. Part of the public client. */

const closed = { additionalProperties: false } as const;
export const MappingIdSchema = Type.String({
  pattern: '^[A-Za-z0-9_-]{1,64}$',
  description: 'names the mapping: 1 to 64 of A-Z a-z 0-9 _ -',
});
export const MappingSchema = Type.Object(MAPPING_SHAPE, closed);
export type Mapping = Static<typeof MappingSchema>;

export const MappingViewSchema = Type.Object({
  id: MappingIdSchema,
  ...MAPPING_SHAPE,
  updatedAt: Type.Number({ description: 'when it was made or changed last (ms since the Unix epoch)' }),
  problem: Type.Union([Type.String({ description: 'why it is not in force on the site as it is' }), Type.Null()]),
});
export type MappingView = Static<typeof MappingViewSchema>;
export const MappingsSchema = Type.Object({
  mappings: Type.Array(MappingViewSchema, { description: 'ascending by id; those of the site file count before them' }),
});
export interface Mappings {
  mappings: MappingView[];
}

/** The part of the history client that deals with them. */
export interface MappingsClient {
  /** Those of callers; the first that matches a point counts, after those of the site file. */
  mappings(): Promise<Mappings>;
  /** Makes a mapping, or another one in its place; answers once it is durable. @throws `history.invalid_mapping` */
  putMapping(id: string, mapping: Mapping): Promise<MappingView>;
  /** @throws `history.mapping_not_found` */
  removeMapping(id: string): Promise<void>;
}
