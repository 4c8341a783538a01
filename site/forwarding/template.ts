/** What a template may hold in braces. */
export const SITE_FIELDS = ['site', 'forwarder'] as const;
export const POINT_FIELDS = [...SITE_FIELDS, 'channel', 'channel_name', 'kind', 'id', 'name', 'unit'] as const;
export type TemplateField = (typeof POINT_FIELDS)[number];

const FIELD = /\{([^{}]*)\}/g;

/** The fields of a template that are not among those allowed, as they are written. */
export function unknownFields(template: string, allowed: readonly TemplateField[]): string[] {
  const known: readonly string[] = allowed;
  return [...template.matchAll(FIELD)].map((match) => match[1] as string).filter((field) => !known.includes(field));
}

/** Puts the values in; `clean` makes each fit its place (no separators in a topic’s level, say). */
export function fillTemplate(
  template: string,
  values: Readonly<Partial<Record<TemplateField, string | number>>>,
  clean: (text: string) => string = (text) => text,
): string {
  return template.replace(FIELD, (_, field: TemplateField) => clean(String(values[field] ?? '')));
}

/** Fits a level of an MQTT topic (MQTT 5, section 4.7): no separator, no wildcard, no NUL. */
export function topicLevel(text: string): string {
  return text.replace(/[/+#\u0000]/g, '_');
}

/** Fits a token of a NATS subject. */
export function subjectToken(text: string): string {
  const token = text.replace(/[\s.*>\u0000-\u001f\u007f]/g, '_');
  return token === '' ? '_' : token;
}
