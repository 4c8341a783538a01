import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StatewattError } from '../errors/error.js';

/** What the commands on the same machine find a running node by. */
export interface RunFile {
  readonly nats: { readonly url: string };
  readonly http: { readonly url: string };
  readonly pid: number;
  readonly node: string;
  /** Ms since the Unix epoch. */
  readonly startedAt: number;
}

/** The folder of all data of one node; at most one running node has it. */
export class DataFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** @throws `node.folder_in_use` while another node runs on it */
  static async claim(path: string): Promise<DataFolder> {
    await mkdir(path, { recursive: true });
    const folder = new DataFolder(path);
    const lock = join(path, 'node.pid');
    const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (owner > 0 && owner !== process.pid && (await isNode(owner))) {
      throw new StatewattError(
        'node.folder_in_use',
        'conflict',
        `the node with process id ${owner} runs on ${path}; stop it first, or give another folder with --data`,
        { details: { pid: owner, folder: path } },
      );
    }
    await writeFile(lock, String(process.pid));
    return folder;
  }

  join(...parts: string[]): string {
    return join(this.path, ...parts);
  }

  async writeRunFile(content: RunFile): Promise<void> {
    const file = this.join('run.json');
    await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
    await rename(`${file}.new`, file);
  }

  async removeRunFile(): Promise<void> {
    await rm(this.join('run.json'), { force: true });
  }

  async release(): Promise<void> {
    await rm(this.join('node.pid'), { force: true });
  }
}

/** Whether the process lives and is one of ours: after a restart of the machine the number may be somebody else's. */
async function isNode(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => 'node');
  return command.includes('node');
}
