/** One page of a list. */
export interface CursorPage<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** The most that the server gives at once. */
const MOST_OF_A_PAGE = 1_000;

/** The first so many of a list, page by page; `nextCursor` is not null when there are more. */
export async function readPages<T>(
  wanted: number,
  ask: (page: { limit: number; cursor?: string }) => Promise<CursorPage<T>>,
): Promise<CursorPage<T>> {
  const items: T[] = [];
  let cursor: string | null = null;
  do {
    const limit = Math.min(MOST_OF_A_PAGE, wanted - items.length);
    const page: CursorPage<T> = await ask({ limit, ...(cursor === null ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null && items.length < wanted);
  return { items, nextCursor: cursor };
}
