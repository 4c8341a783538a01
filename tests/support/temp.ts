import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export { freePort } from '../../processes/free-port.js';

/** A folder of this test's own; call `remove` in an after hook. */
export async function tempFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'statewatt-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

/** Asks again and again (every 10 ms) until the answer is not undefined. For outside parts that announce nothing. */
export async function eventually<T>(
  ask: () => Promise<T | undefined> | T | undefined,
  { within = 20_000, what = 'condition' }: { within?: number; what?: string } = {},
): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${within} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
