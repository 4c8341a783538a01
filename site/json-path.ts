/** Steps from the root of a JSON document to one value: names of members, indexes of elements. */
export type JsonPath = readonly (string | number)[];

const STEP = /\.?([^\s.[\]'"]+)|\[(\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]/y;

/**
 * Parses a singular query of JSONPath (RFC 9535, section 2.3.5.1), `$.meter.phases[0]['power']`; the `$.` may be left
 * out. Undefined when it is none.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: (string | number)[] = [];
  let at = text.startsWith('$') ? 1 : 0;
  const begin = at;
  while (at < text.length) {
    STEP.lastIndex = at;
    const match = STEP.exec(text);
    if (match === null) return undefined;
    const [whole, name, index, single, double] = match;
    // Only the very first name may stand without its dot, and only without the root.
    if (name !== undefined && !whole.startsWith('.') && (at > begin || begin === 1)) return undefined;
    if (name !== undefined && whole.startsWith('.') && at === 0) return undefined;
    steps.push(index === undefined ? ((name ?? single ?? double) as string) : Number(index));
    at = STEP.lastIndex;
  }
  return begin === 0 && steps.length === 0 ? undefined : steps;
}

/** The value at a path; undefined when nothing is there. */
export function atPath(document: unknown, path: JsonPath): unknown {
  let value = document;
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) !== (typeof step === 'number')) return undefined;
    if (!Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}
