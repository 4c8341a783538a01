/**
 * A question that is asked once at a time and whose answer is not waited for longer than `ms`: who asks meanwhile gets
 * the same answer, so a part that hangs gathers no queue of questions.
 *
 * The function that is answered rejects with an Error when there is no answer in time.
 */
export function patient<T>(ms: number, ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return async () => {
    asked ??= ask().finally(() => {
      asked = undefined;
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1_000} s`)), ms);
    });
    try {
      return await Promise.race([asked, late]);
    } finally {
      clearTimeout(timer);
    }
  };
}
