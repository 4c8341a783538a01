import { setTimeout as sleep } from 'node:timers/promises';
import type { Verdict } from './finding.js';

const AGAIN_MS = 500;
const PATIENCE_MS = 5_000;

/** A verdict on what follows something else a moment later: only what is still wrong after 5 s is wrong. */
export async function settled(check: () => Promise<Verdict>): Promise<Verdict> {
  let found = await check();
  for (const end = performance.now() + PATIENCE_MS; !found.passed && performance.now() < end;) {
    await sleep(AGAIN_MS);
    found = await check();
  }
  return found;
}
