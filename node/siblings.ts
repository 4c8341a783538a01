import { fileURLToPath } from 'node:url';
import { SupervisedChild } from '../processes/child.js';
import type { Environment } from '../site/config/index.js';
import type { DataFolder } from './data-folder.js';
import type { NodeLog } from './node.js';
import { tokenKeyFile } from './access.js';
import { watchChild } from './child-log.js';

/** Where the further nodes find what the first one has. */
export interface Shared {
  readonly site: string;
  readonly natsUrl: string;
  readonly historyUrl: string;
  /** Further variables of their environment. */
  readonly further?: Readonly<Record<string, string>> | undefined;
}

/** Further nodes on this machine, each a process of its own; started again when they die. */
export class Siblings {
  readonly #children: SupervisedChild[] = [];

  /** Starts `count` of them, named after the first: `<name>-2` and so on. */
  async start(
    count: number,
    { site, natsUrl, historyUrl, further = {} }: Shared,
    { nodeName, redisUrl, logLevel, access }: Environment,
    folder: DataFolder,
    log: NodeLog,
  ): Promise<void> {
    const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
    for (let number = 2; number < count + 2; number++) {
      const name = `${nodeName}-${number}`;
      this.#children.push(
        new SupervisedChild({
          name,
          command: process.execPath,
          args: [main, 'node', site, '--data', folder.join('nodes', name), '--http-port', '0', '--json'],
          env: {
            ...further,
            NATS_URL: natsUrl,
            CLICKHOUSE_URL: historyUrl,
            STATEWATT_NODE_NAME: name,
            STATEWATT_LOG_LEVEL: logLevel,
            STATEWATT_ACCESS: access.mode,
            STATEWATT_TOKEN_KEY_FILE: tokenKeyFile(access, folder),
            ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
          },
          ready: async (child) => {
            await child.line(/"pid":\d+/);
          },
          ...watchChild(log, name),
        }),
      );
    }
    await Promise.all(this.#children.map((child) => child.start()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((child) => child.stop()));
  }
}
