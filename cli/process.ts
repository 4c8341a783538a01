import { readFileSync } from 'node:fs';
import type { Dependencies } from './dependencies.js';
import { runCli } from './run.js';

/** Runs this process's command line and leaves its exit code; the process ends when nothing is left to do. */
export async function runProcess(parts: Pick<Dependencies, 'connect' | 'check' | 'startNode'>): Promise<void> {
  process.exitCode = await runCli(process.argv.slice(2), {
    ...parts,
    interruption,
    now: Date.now,
    version: packageVersion(),
    env: process.env,
    out: process.stdout,
    err: process.stderr,
  });
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

function packageVersion(): string {
  const file = new URL('../../package.json', import.meta.url); // from dist/cli/
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
