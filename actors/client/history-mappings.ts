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
  id: Type.Union([MappingIdSchema, Type.Null()], { description: 'null: one of the site file' }),
  ...MAPPING_SHAPE,
  definedBy: Type.Unsafe<'site' | 'caller'>({
    type: 'string',
    enum: ['site', 'caller'],
    description: 'site: it stands in the site file, and is changed there',
  }),
  updatedAt: Type.Union([Type.Number(), Type.Null()], {
    description: 'when it was made or changed last (ms since the Unix epoch); null: one of the site file',
  }),
  problem: Type.Union([Type.String({ description: 'why it is not in force on the site as it is' }), Type.Null()]),
});
export type MappingView = Static<typeof MappingViewSchema>;
export const MappingsSchema = Type.Object({
  mappings: Type.Array(MappingViewSchema, {
    description:
      'in the order in which they count: those of the site file as it has them, then those of callers by their ids',
  }),
});
export interface Mappings {
  mappings: MappingView[];
}

/** The part of the history client that deals with them. */
export interface MappingsClient {
  /** Those of the site file, then those of callers; the first that matches a point counts. */
  mappings(): Promise<Mappings>;
  /** Makes a mapping, or another one in its place; answers once it is durable. @throws `history.invalid_mapping` */
  putMapping(id: string, mapping: Mapping): Promise<MappingView>;
  /** @throws `history.mapping_not_found` */
  removeMapping(id: string): Promise<void>;
}
