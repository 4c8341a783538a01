import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { profileFlags } from './profiling.js';

/** The product as it runs at a site: `statewatt up` in a process of its own. */
export interface SiteNode {
  readonly pid: number;
  /** Where its HTTP is, as http://127.0.0.1:8080. */
  readonly url: string;
  /** From its start until it said that it runs. */
  readonly upAfterMs: number;
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<void>;
}

/** Starts `site` (a site.yaml) with its data in the folder `data`, on a free port; says warnings only. */
export async function startSiteNode(site: string, data: string, env: NodeJS.ProcessEnv = {}): Promise<SiteNode> {
  const main = new URL('../../cli/main.js', import.meta.url).pathname;
  const begun = performance.now();
  const child = spawn(
    process.execPath,
    [...profileFlags(), main, 'up', site, '--data', data, '--http-port', '0', '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, STATEWATT_LOG_LEVEL: 'warn', ...env } },
  );
  const exited = once(child, 'exit');
  const [line] = (await Promise.race([once(createInterface({ input: child.stdout }), 'line'), exited])) as unknown[];
  if (typeof line !== 'string') throw new Error('the node did not start');
  const { http } = JSON.parse(line) as { http: { url: string } };
  return {
    pid: child.pid as number,
    url: http.url,
    upAfterMs: performance.now() - begun,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}
