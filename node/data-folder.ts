import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StatewattError } from '../errors/error.js';

/** What the commands on the same machine find a running node by. */
export interface RunFile {
  readonly nats: { readonly url: string };
  readonly http: { readonly url: string };
  /** Of the embedded engine; the address of another one may hold a password. */
  readonly history?: { readonly url: string };
  readonly pid: number;
  readonly node: string;
  /** Ms since the Unix epoch. */
  readonly startedAt: number;
  /** Lets the commands on this machine in where access is controlled. */
  readonly token: string;
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
    const lock = join(path, 'node.pid');
    const own = `${process.pid} ${(await startOf(process.pid)) ?? ''}`;
    while (!(await create(lock, own))) {
      const owner = await livingOwner(lock);
      if (owner !== undefined) throw inUse(owner, path);
      await rm(lock, { force: true }); // Left by a node that was killed.
    }
    return new DataFolder(path);
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

/** False when the file is there already. Others see it with its whole content or not at all. */
async function create(file: string, content: string): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, content);
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft);
  }
}

/** The process that wrote the lock, when it still lives. */
async function livingOwner(lock: string): Promise<number | undefined> {
  const [pid = '', started = ''] = (await readFile(lock, 'utf8').catch(() => '')).split(' ');
  const owner = Number(pid);
  if (!Number.isInteger(owner) || owner <= 0) return undefined;
  const now = await startOf(owner);
  // After a restart of the machine or the container the number may be somebody else's, even our own.
  if (now !== undefined) return now === started ? owner : undefined;
  return owner !== process.pid && lives(owner) ? owner : undefined;
}

/**
 * When a process was started, in clock ticks since the machine was (proc(5), field 22 of `stat`); with the pid it
 * names the process. undefined where there is no /proc or no such process.
 */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // Field 2, the command, stands in brackets and may hold spaces and brackets itself.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function inUse(owner: number, path: string): StatewattError {
  return new StatewattError(
    'node.folder_in_use',
    'conflict',
    `the node with process id ${owner} runs on ${path}; stop it first, or give another folder with --data`,
    { details: { pid: owner, folder: path } },
  );
}
