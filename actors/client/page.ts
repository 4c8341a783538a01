/** One part of a list, and where the next begins. */
export interface Page<T> {
  items: T[];
  /** null: this is the last page. */
  nextCursor: string | null;
}

/**
 * A page of a list, ascending by key. The cursor is the key of the last item given, so pages neither repeat nor skip
 * an item when others come and go in between.
 */
export function pageOf<T, K extends string | number>(
  list: readonly T[],
  { limit = 1000, cursor }: { limit?: number; cursor?: string },
  keyOf: (item: T) => K,
  parseKey: (cursor: string) => K,
): Page<T> {
  const after = cursor === undefined ? undefined : parseKey(cursor);
  const rest = list
    .filter((item) => after === undefined || keyOf(item) > after)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: last === undefined || items.length === rest.length ? null : String(keyOf(last)) };
}
