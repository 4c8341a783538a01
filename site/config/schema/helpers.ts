import Type, { type Static, type TSchema } from 'typebox';

/** An object with only the keys given. */
export function closed<T extends Record<string, TSchema>>(properties: T, options: { description?: string } = {}) {
  return Type.Object(properties, { additionalProperties: false, ...options });
}

/** One of several words. */
export function words<const T extends readonly string[]>(
  values: T,
  options: { description?: string; default?: T[number] } = {},
) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values], ...options });
}

type StaticOf<T> = T extends TSchema ? Static<T> : never;

/**
 * An object whose shape depends on the word in its key `tag`. Written with if/then rather than anyOf, so that a fault
 * is told for the branch that was meant. `absent` is the shape when the tag is not given: always, or only when one of
 * `absentKeys` is there; otherwise the tag is required. `common` is checked even when the tag is no known word.
 */
export function tagged<const S extends readonly TSchema[], A extends TSchema = never>(
  tag: string,
  branches: { readonly [K in keyof S]: { readonly values: readonly string[]; readonly schema: S[K] } },
  options: {
    description?: string;
    absent?: A;
    absentKeys?: readonly string[];
    common?: Record<string, TSchema>;
  } = {},
) {
  const { absent, absentKeys, common = {}, ...rest } = options;
  const has = { required: [tag] };
  const tags = { type: 'string', enum: branches.flatMap((branch) => branch.values) };
  const required = { required: [tag], properties: { [tag]: tags } };
  const otherwise =
    absent === undefined
      ? required
      : absentKeys === undefined
        ? { if: { not: has }, then: absent }
        : { if: { anyOf: absentKeys.map((key) => ({ required: [key] })) }, then: absent, else: required };
  return Type.Unsafe<StaticOf<S[number]> | StaticOf<A>>({
    type: 'object',
    ...rest,
    properties: { ...common, [tag]: tags },
    allOf: [
      ...branches.map(({ values, schema }) => ({
        if: { ...has, properties: { [tag]: { enum: [...values] } } },
        then: schema,
      })),
      otherwise,
    ],
  });
}

/** Milliseconds. */
export function millis(description: string, options: { minimum?: number; maximum?: number; default?: number } = {}) {
  return Type.Integer({ minimum: 1, maximum: 86_400_000, ...options, description: `${description} (ms)` });
}
