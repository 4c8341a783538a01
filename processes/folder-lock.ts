import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join, relative } from 'node:path';
import { StatewattError } from '../errors/error.js';

/** Two starts that meet at a stale lock see each other within this time. */
const SETTLE_MS = 50;

/** For the error: what the folder is of. */
export interface LockedFolder {
  /** Code of the error, `history.folder_in_use`. */
  code: string;
  /** `history folder` … */
  name: string;
}

/**
 * Holds a data folder for this process until it ends, however it ends: the lock is a listening socket in the folder,
 * so the kernel releases it with the process and a file left behind by a kill refuses connections.
 *
 * @param waitMs how long to wait for a former holder that is on its way out
 * @throws with `what.code` when another process still holds it
 */
export async function lockFolder(
  folder: string,
  waitMs: number,
  what: LockedFolder,
): Promise<{ release(): Promise<void> }> {
  // Relative, because the path of a socket is short on every system (108 bytes on Linux).
  const path = relative('', join(folder, 'engine.lock'));
  const end = Date.now() + waitMs;
  for (;;) {
    const server = await take(path);
    if (server !== undefined) return { release: () => new Promise((resolve) => server.close(() => resolve())) };
    if (Date.now() >= end) {
      throw new StatewattError(
        what.code,
        'conflict',
        `the ${what.name} ${folder} is in use by another process; one process may open it at a time`,
      );
    }
    await delay(100);
  }
}

async function take(path: string): Promise<Server | undefined> {
  if ((await ask(path)) !== undefined) return undefined;
  await rm(path, { force: true });
  const mark = randomBytes(8).toString('hex');
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(mark);
  });
  const listening = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(path, () => resolve(true));
  });
  if (!listening) return undefined;
  server.unref();
  await delay(SETTLE_MS);
  if ((await ask(path)) === mark) return server;
  server.close();
  return undefined;
}

/** The holder's mark; '' when it does not say in time; undefined when nobody holds the lock. */
function ask(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    let mark = '';
    socket.setTimeout(1_000, () => {
      socket.destroy();
      resolve('');
    });
    socket.on('data', (data) => {
      mark += data.toString('latin1');
    });
    socket.once('end', () => resolve(mark));
    socket.once('error', () => resolve(undefined));
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
