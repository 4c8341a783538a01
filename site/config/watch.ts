import { watch, type FSWatcher } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../errors/error.js';
import type { Site } from '../model.js';
import { diffSites, type ChannelChange } from './diff.js';
import { loadSite } from './load.js';
import { ConfigError, Problems } from './problems.js';
import { RecordingFiles, type Sources } from './versions/sources.js';
import { isBeingWritten } from './versions/write.js';

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
/** Pause while a load from before is being waited for. */
const LOADING_MS = 20;
/** What a site may be made of: tables, site files, folders. Other files may change beside them, logs for example. */
const RELEVANT = /\.(csv|ya?ml)$|^[^.]+$/i;

/** `sources`: the files of the site that was loaded; of an error there are none. */
export type SiteChangeListener = (
  next: Site | ConfigError,
  changes: readonly ChannelChange[],
  sources: Sources | undefined,
) => void;

export interface SiteWatch {
  /**
   * Loads the site after `work`, and resolves when what became of it has been told. What is read of the files while
   * `work` changes them is not told.
   */
  afterwards(work: () => Promise<void>): Promise<void>;
  close(): void;
}

/**
 * Loads the site again whenever one of its files changes, appears or goes, and tells what became of it:
 * - a site that differs, with the channels that do (none when only settings of the site itself differ);
 * - a ConfigError for an edit that cannot be used. The last good site stays the one that the next edit is compared
 *   with; a good load after an error is told even when nothing differs, and so is a file with another text that says
 *   the same.
 *
 * `path` is what `site` was loaded from, `hash` that of its files. Edits made since then are seen too. A change is noticed within 2 s: at once by
 * notifications of the file system, and by polling where those do not come (network folders; up to 200 files a second).
 * `onChange` must not throw.
 */
export function watchSite(path: string, site: Site, onChange: SiteChangeListener, hash?: string): SiteWatch {
  return new SiteWatcher(resolve(path), site, onChange, hash);
}

class SiteWatcher implements SiteWatch {
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
  /** Rises when files have been changed by this process: what a load before that has read is of no use. */
  #generation = 0;
  #isHeld = false;
  /** Of the files of the site; undefined: not known. */
  #hash: string | undefined;
  #isClosed = false;

  constructor(path: string, site: Site, onChange: SiteChangeListener, hash: string | undefined) {
    this.#hash = hash;
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

  async afterwards(work: () => Promise<void>): Promise<void> {
    this.#isHeld = true;
    try {
      await work();
    } finally {
      this.#isHeld = false;
      this.#generation += 1;
    }
    clearTimeout(this.#timer);
    while (!this.#isClosed && !(await this.#reload())) await new Promise((resolve) => setTimeout(resolve, LOADING_MS));
  }

  /** Whether what was loaded is that of now, and has been told. */
  async #reload(): Promise<boolean> {
    this.#timer = undefined;
    if (this.#isLoading || this.#isHeld) {
      this.#schedule(); // what is being read may be from before the edit
      return false;
    }
    this.#isLoading = true;
    this.#loadedAt = Date.now();
    const generation = this.#generation;
    const next = await this.#load();
    this.#isLoading = false;
    if (this.#isClosed) return false;
    if (generation !== this.#generation || this.#isHeld || next === undefined) {
      this.#schedule();
      return false;
    }
    if (next instanceof ConfigError) this.#refuse(next);
    else this.#accept(next.site, next.sources);
    return true;
  }

  /** undefined: the files were just being put back, by whichever node. */
  async #load(): Promise<{ site: Site; sources: Sources } | ConfigError | undefined> {
    const files = new RecordingFiles();
    let loaded: Site | ConfigError;
    try {
      loaded = await loadSite(this.#path, files);
    } catch (error) {
      if (error instanceof ConfigError) loaded = error;
      else {
        const problems = new Problems();
        const why = `cannot be loaded: ${errorMessage(error)}`;
        problems.addFile(this.#path, errorMessage(error), 'a readable site', why);
        loaded = new ConfigError(problems.list);
      }
    }
    const { sources } = files;
    if (sources !== undefined && (await isBeingWritten(sources.root))) return undefined;
    return loaded instanceof ConfigError ? loaded : { site: loaded, sources: sources as Sources };
  }

  #refuse(error: ConfigError): void {
    this.#follow([...this.#site.files, ...error.problems.map((problem) => problem.file)]);
    if (error.message === this.#error?.message) return;
    this.#error = error;
    this.#onChange(error, [], undefined);
  }

  #accept(next: Site, sources: Sources): void {
    const before = this.#site;
    const isMended = this.#error !== undefined || (this.#hash !== undefined && this.#hash !== sources.hash);
    this.#hash = sources.hash;
    this.#follow(next.files);
    this.#site = next;
    this.#error = undefined;
    const changes = diffSites(before, next);
    if (isMended || changes.length > 0 || !isDeepStrictEqual(settings(before), settings(next))) {
      this.#onChange(next, changes, sources);
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
