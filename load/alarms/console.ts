import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { build } from 'hdr-histogram-js';

/** How long the answers of an operator's list took. */
export interface Lists {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const EVERY_MS = 50;
const QUERY = '/api/v1/alarms?status=active&order=severity&limit=50';

/** A console in a process of its own that asks for the list again and again. */
export async function startConsole(url: string): Promise<{ stop(): Promise<Lists> }> {
  const child = fork(fileURLToPath(import.meta.url), [url]);
  await once(child, 'message');
  return {
    stop: async () => {
      child.send('stop');
      const [lists] = (await once(child, 'message')) as [Lists];
      child.disconnect();
      return lists;
    },
  };
}

async function askAgainAndAgain(url: string): Promise<void> {
  const times = build({ lowestDiscernibleValue: 1, highestTrackableValue: 60_000_000 });
  let requests = 0;
  let failed = 0;
  let isStopped = false;
  process.once('message', () => {
    isStopped = true;
  });
  process.send?.('ready');
  while (!isStopped) {
    const from = performance.now();
    const answer = await fetch(url + QUERY);
    await answer.arrayBuffer();
    if (!answer.ok) failed += 1;
    requests += 1;
    times.recordValue(Math.max(1, Math.round((performance.now() - from) * 1_000)));
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
  const at = (percentile: number) => times.getValueAtPercentile(percentile) / 1_000;
  process.send?.({ requests, failed, p50Ms: at(50), p99Ms: at(99) } satisfies Lists);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await askAgainAndAgain(process.argv[2] as string);
