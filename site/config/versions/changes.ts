import Type, { type Static } from 'typebox';

/** What two configurations have not in common; what the diff of a site says. */

const Value = Type.Unknown({ description: 'absent: it is not there; secrets are masked' });

export const FieldChangeSchema = Type.Object({
  path: Type.String({ description: 'as limits.max_gap, actions[0].value' }),
  before: Type.Optional(Value),
  after: Type.Optional(Value),
});
export type FieldChange = Static<typeof FieldChangeSchema>;

const points = (description: string) => Type.Array(Type.String(), { description });

export const PointChangesSchema = Type.Object({
  added: points('kind and ids, as T:1-10,12'),
  removed: points('kind and ids'),
  changed: Type.Array(Type.Object({ point: Type.String(), fields: Type.Array(FieldChangeSchema) }), {
    description: 'each by itself, with what of it; 200 at most',
  }),
  changedInAll: Type.Integer({ description: 'points that changed, listed or not' }),
});
export type PointChanges = Static<typeof PointChangesSchema>;

/** The lists of a site that changes are told of. */
export const SECTIONS = [
  'channels',
  'rules',
  'models',
  'templates',
  'notifications',
  'forwarding',
  'aliases',
  'meters',
] as const;
export type Section = (typeof SECTIONS)[number];

export const ItemChangeSchema = Type.Object({
  section: Type.Unsafe<Section>({ type: 'string', enum: [...SECTIONS] }),
  id: Type.String(),
  name: Type.Optional(Type.String()),
  change: Type.Unsafe<'added' | 'removed' | 'changed'>({ type: 'string', enum: ['added', 'removed', 'changed'] }),
  fields: Type.Array(FieldChangeSchema, { description: 'of what changed' }),
  points: Type.Optional(PointChangesSchema),
});
export type ItemChange = Static<typeof ItemChangeSchema>;

export const SiteChangesSchema = Type.Object({
  settings: Type.Array(FieldChangeSchema, { description: 'of the site itself: name, defaults, history, ports' }),
  items: Type.Array(ItemChangeSchema),
});
export type SiteChanges = Static<typeof SiteChangesSchema>;

/** Whether anything of the site would be another. */
export function isEmpty({ settings, items }: SiteChanges): boolean {
  return settings.length === 0 && items.length === 0;
}

/** In a few words: `channels: 1 added, 2 changed; rules: 1 removed; settings`. */
export function summaryOf({ settings, items }: SiteChanges): string {
  const parts = SECTIONS.flatMap((section) => {
    const counts = (['added', 'changed', 'removed'] as const).flatMap((change) => {
      const found = items.filter((item) => item.section === section && item.change === change);
      if (found.length === 0) return [];
      const named = found.length <= 3 ? ` (${found.map(({ id }) => id).join(', ')})` : '';
      return [`${found.length} ${change}${named}`];
    });
    return counts.length === 0 ? [] : [`${section}: ${counts.join(', ')}`];
  });
  if (settings.length > 0) parts.push(`settings: ${settings.map(({ path }) => path).join(', ')}`);
  return parts.length === 0 ? 'nothing that the site is made of' : parts.join('; ').slice(0, 1_000);
}
