interface Item<T> {
  readonly value: T;
  /** Lets its source go on. */
  readonly taken: () => void;
}

/**
 * What several sources give, as one. Each source is asked for its next only when what it gave was taken, so that one which
 * keeps the newest state for a slow reader does so here too. Ends when the signal aborts, when all sources have ended, and
 * with the first error of one; the others are ended then.
 */
export async function* merged<T>(
  sources: readonly ((until: AbortSignal) => AsyncIterable<T>)[],
  signal: AbortSignal,
): AsyncGenerator<T> {
  const ending = new AbortController();
  const until = AbortSignal.any([signal, ending.signal]);
  const ready: Item<T>[] = [];
  let left = sources.length;
  let failure: { readonly error: unknown } | undefined;
  let wake: () => void = () => undefined;

  const pump = async (source: (until: AbortSignal) => AsyncIterable<T>): Promise<void> => {
    try {
      for await (const value of source(until)) {
        if (until.aborted) return;
        await new Promise<void>((taken) => {
          ready.push({ value, taken });
          wake();
        });
      }
    } catch (error) {
      failure ??= { error };
    } finally {
      left -= 1;
      wake();
    }
  };
  const pumps = sources.map(pump);
  try {
    for (;;) {
      const item = ready.shift();
      if (item !== undefined) {
        try {
          yield item.value;
        } finally {
          item.taken();
        }
      } else if (failure !== undefined) {
        throw failure.error;
      } else if (left === 0) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    ending.abort();
    for (const { taken } of ready) taken();
    await Promise.all(pumps);
  }
}
