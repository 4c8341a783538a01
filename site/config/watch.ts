import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../errors/error.js';
import type { Site } from '../model.js';
import { diffSites, type ChannelChange } from './diff.js';
import { loadSite } from './load.js';
import { ConfigError, Problems } from './problems.js';

/** Editors and copies write a file in several steps: wait until all has been quiet for so long … */
const QUIET_MS = 200;
/** … but no longer than this. */
const MAX_WAIT_MS = 1000;
const POLL_MS = 1000;
/** A bound on what polling costs: a site of more files is gone through in more than one turn. */
const FILES_PER_POLL = 200;
/** The stamp of a file that polling has not come to yet. */
const UNSEEN = '';
/** File systems keep times in steps of up to 2 s. */
const CLOCK_STEP_MS = 2000;
/** What a site may be made of: tables, site files, folders. Other files may change beside them, logs for example. */
const RELEVANT = /\.(csv|ya?ml)$|^[^.]+$/i;

export type SiteChangeListener = (next: Site | ConfigError, changes: readonly ChannelChange[]) => void;

/**
 * Loads the site again whenever one of its files changes, appears or goes, and tells what became of it:
 * - a site that differs, with the channels that do (none when only settings of the site itself differ);
 * - a ConfigError for an edit that cannot be used. The last good site stays the one that the next edit is compared
 *   with; a good load after an error is told even when nothing differs.
 *
 * `path` is what `site` was loaded from. Edits made since then are seen too. A change is noticed within 2 s: at once by
 * notifications of the file system, and by polling where those do not come (network folders; up to 200 files a second).
 * `onChange` must not throw.
 */
export function watchSite(path: string, site: Site, onChange: SiteChangeListener): { close(): void } {
  return new SiteWatcher(resolve(path), site, onChange);
}

class SiteWatcher {
  readonly #path: string;
  readonly #onChange: SiteChangeListener;
  readonly #folders = new Map<string, FSWatcher | undefined>();
  /** What polling last saw of each file and folder. */
  readonly #stamps = new Map<string, string>();
  readonly #poller: NodeJS.Timeout;
  #site: Site;
  #error: ConfigError | undefined;
  /** When the last load began, ms since the Unix epoch. */
  #loadedAt = Date.now();
  #pollFrom = 0;
  #isPolling = false;
  #timer: NodeJS.Timeout | undefined;
  #waitingSince = 0;
  #isLoading = false;
  #isClosed = false;

  constructor(path: string, site: Site, onChange: SiteChangeListener) {
    this.#path = path;
    this.#site = site;
    this.#onChange = onChange;
    this.#follow(site.files);
    this.#poller = setInterval(() => void this.#poll(), POLL_MS);
    this.#schedule(); // an edit since the site was loaded
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#poller);
    clearTimeout(this.#timer);
    for (const watcher of this.#folders.values()) watcher?.close();
  }

  /** Follows just these files and their folders from now on. */
  #follow(files: readonly string[]): void {
    const folders = new Set(files.map((file) => dirname(file)));
    for (const [folder, watcher] of this.#folders) {
      if (folders.has(folder)) continue;
      watcher?.close();
      this.#folders.delete(folder);
    }
    for (const folder of folders) {
      if (this.#folders.get(folder) === undefined) this.#folders.set(folder, this.#watchFolder(folder));
    }
    const paths = new Set([...files, ...folders]);
    for (const known of this.#stamps.keys()) if (!paths.has(known)) this.#stamps.delete(known);
    for (const path of paths) if (!this.#stamps.has(path)) this.#stamps.set(path, UNSEEN);
  }

  /** Undefined where the system gives no more notifications, or none for this folder: polling is left. */
  #watchFolder(folder: string): FSWatcher | undefined {
    let watcher: FSWatcher;
    try {
      watcher = watch(folder, (_event, name) => {
        if (name === null || RELEVANT.test(name) || this.#stamps.has(join(folder, name))) this.#schedule();
      });
    } catch {
      return undefined;
    }
    watcher.on('error', () => {
      watcher.close();
      this.#folders.set(folder, undefined);
    });
    return watcher;
  }

  async #poll(): Promise<void> {
    if (this.#isPolling) return;
    this.#isPolling = true;
    const paths = [...this.#stamps.keys()];
    if (this.#pollFrom >= paths.length) this.#pollFrom = 0;
    const part = paths.slice(this.#pollFrom, this.#pollFrom + FILES_PER_POLL);
    this.#pollFrom += FILES_PER_POLL;
    for (const path of part) {
      const { stamp, changedAt } = await stampOf(path);
      const before = this.#stamps.get(path);
      if (before === undefined) continue; // no longer followed
      this.#stamps.set(path, stamp);
      const isChanged = before === UNSEEN ? changedAt > this.#loadedAt - CLOCK_STEP_MS : before !== stamp;
      if (isChanged) this.#schedule();
    }
    this.#isPolling = false;
  }

  #schedule(): void {
    if (this.#isClosed) return;
    const now = Date.now();
    if (this.#timer === undefined) this.#waitingSince = now;
    clearTimeout(this.#timer);
    const wait = Math.min(QUIET_MS, Math.max(0, this.#waitingSince + MAX_WAIT_MS - now));
    this.#timer = setTimeout(() => void this.#reload(), wait);
  }

  async #reload(): Promise<void> {
    this.#timer = undefined;
    if (this.#isLoading) {
      this.#schedule(); // what is being read may be from before the edit
      return;
    }
    this.#isLoading = true;
    this.#loadedAt = Date.now();
    const next = await this.#load();
    this.#isLoading = false;
    if (this.#isClosed) return;
    if (next instanceof ConfigError) this.#refuse(next);
    else this.#accept(next);
  }

  async #load(): Promise<Site | ConfigError> {
    try {
      return await loadSite(this.#path);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      const problems = new Problems();
      problems.addFile(this.#path, errorMessage(error), 'a readable site', `cannot be loaded: ${errorMessage(error)}`);
      return new ConfigError(problems.list);
    }
  }

  #refuse(error: ConfigError): void {
    this.#follow([...this.#site.files, ...error.problems.map((problem) => problem.file)]);
    if (error.message === this.#error?.message) return;
    this.#error = error;
    this.#onChange(error, []);
  }

  #accept(next: Site): void {
    const before = this.#site;
    const isMended = this.#error !== undefined;
    this.#follow(next.files);
    this.#site = next;
    this.#error = undefined;
    const changes = diffSites(before, next);
    if (isMended || changes.length > 0 || !isDeepStrictEqual(settings(before), settings(next))) {
      this.#onChange(next, changes);
    }
  }
}

/** What of a site is neither a channel nor of use to watching only. */
function settings(site: Site): Partial<Site> {
  return { ...site, channels: [], files: [] };
}

async function stampOf(path: string): Promise<{ stamp: string; changedAt: number }> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return { stamp: `${mtimeMs} ${size} ${ino}`, changedAt: mtimeMs };
  } catch {
    return { stamp: 'away', changedAt: 0 };
  }
}
