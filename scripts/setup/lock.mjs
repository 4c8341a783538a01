import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock file without a pid in it is being written; after this long its writer is taken for dead. */
const UNWRITTEN_MS = 5_000;

/**
 * Runs `work` while no other setup of this project runs. The lock is a file with the holder's pid; one left behind by a process
 * that is gone is taken over.
 *
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(pid: number | undefined) => void} [onWait] called once when another process holds the lock
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait = () => {}) {
  mkdirSync(dirname(path), { recursive: true });
  let told = false;
  while (!tryLock(path)) {
    const holder = readHolder(path);
    if (holder === 'gone') {
      rmSync(path, { force: true });
      continue;
    }
    if (!told) onWait(holder === 'unknown' ? undefined : holder);
    told = true;
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

/** @param {string} path */
function tryLock(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {number | 'unknown' | 'gone'}
 */
function readHolder(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    if (Number.isInteger(pid) && pid > 0) return isRunning(pid) ? pid : 'gone';
    return Date.now() - statSync(path).mtimeMs > UNWRITTEN_MS ? 'gone' : 'unknown';
  } catch (error) {
    // Released between the attempt and the look.
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return 'unknown';
    throw error;
  }
}

/** @param {number} pid */
function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
