import { createHash } from 'node:crypto';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { diskFiles, type Files } from '../files.js';

/** One file of a configuration, as it was when it was loaded. */
export interface SourceFile {
  /** From the root, with `/`; absolute when it lies outside. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** The files that a configuration was loaded from, whole. */
export interface Sources {
  /** Absolute path of the folder of the site file. */
  readonly root: string;
  /** The site file first, the others ascending by path. */
  readonly files: readonly [SourceFile, ...SourceFile[]];
  /** Names the content: equal files at equal paths have equal hashes. SHA-256, hex. */
  readonly hash: string;
}

/** Reads from the disk, and keeps what was read: just what a load has seen. */
export class RecordingFiles implements Files {
  readonly #files: Files;
  readonly #read = new Map<string, Uint8Array>();

  constructor(files: Files = diskFiles) {
    this.#files = files;
  }

  async read(path: string): Promise<Uint8Array | undefined> {
    const bytes = await this.#files.read(path);
    if (bytes !== undefined) this.#read.set(path, bytes);
    return bytes;
  }

  kind(path: string): Promise<'file' | 'folder' | undefined> {
    return this.#files.kind(path);
  }

  /** What was read; undefined when not even the site file was there, which is read first. */
  get sources(): Sources | undefined {
    const [main] = this.#read.keys();
    if (main === undefined) return undefined;
    const root = dirname(main);
    return makeSources(
      root,
      [...this.#read].map(([path, bytes]) => ({ path: fromRoot(root, path), bytes })),
    );
  }
}

/** @param files the site file first */
export function makeSources(root: string, files: readonly SourceFile[]): Sources {
  const [main, ...others] = files as [SourceFile, ...SourceFile[]];
  const byPath = (a: SourceFile, b: SourceFile): number => (a.path < b.path ? -1 : 1);
  const hash = createHash('sha256');
  for (const { path, bytes } of [...files].sort(byPath)) hash.update(`${path}\0${sha256(bytes)}\n`);
  return { root, files: [main, ...others.sort(byPath)], hash: hash.digest('hex') };
}

/** Where a file of a configuration lies on this disk. */
export function toRoot(root: string, path: string): string {
  return isAbsolute(path) ? path : join(root, ...path.split('/'));
}

/**
 * The disk with other files in place of those of a configuration: a load from it says what these files would be.
 *
 * @param gone absolute paths that would not be there
 */
export function filesInPlace({ root, files }: Pick<Sources, 'root' | 'files'>, gone: ReadonlySet<string>): Files {
  const placed = new Map(files.map(({ path, bytes }) => [toRoot(root, path), bytes]));
  return {
    read: async (path) => placed.get(path) ?? (gone.has(path) ? undefined : diskFiles.read(path)),
    async kind(path) {
      if (placed.has(path)) return 'file';
      if ([...placed.keys()].some((file) => file.startsWith(path + sep))) return 'folder';
      return gone.has(path) ? undefined : diskFiles.kind(path);
    },
  };
}

/** These files and nothing else; whatever else they name, such as a certificate, is taken to be there. */
export function filesInMemory({ root, files }: Pick<Sources, 'root' | 'files'>): Files {
  const known = new Map(files.map(({ path, bytes }) => [toRoot(root, path), bytes]));
  const isFolder = (path: string) => [...known.keys()].some((file) => file.startsWith(path + sep));
  return {
    read: (path) => Promise.resolve(known.get(path)),
    kind: (path) => Promise.resolve(!known.has(path) && isFolder(path) ? 'folder' : 'file'),
  };
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function fromRoot(root: string, path: string): string {
  const inside = relative(root, path);
  return inside.startsWith('..') || isAbsolute(inside) ? path : inside.split(sep).join('/');
}
