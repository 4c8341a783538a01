import { readFile, stat } from 'node:fs/promises';
import type { Problems } from './problems.js';

/** What loading needs of a file system; tests give one in memory. */
export interface Files {
  /** The bytes of a file; undefined when there is none. Throws for any other failure. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** What is there; undefined when nothing is that can be reached. */
  kind(path: string): Promise<'file' | 'folder' | undefined>;
}

export const diskFiles: Files = {
  async read(path) {
    try {
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  },
  async kind(path) {
    try {
      return (await stat(path)).isDirectory() ? 'folder' : 'file';
    } catch {
      return undefined;
    }
  },
};

function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ERR_INVALID_ARG_VALUE' || code === 'ENAMETOOLONG';
}

export type FileText = { state: 'text'; text: string } | { state: 'missing' } | { state: 'unusable' };

/** Reads the files of one load, decodes them, and remembers which were read. */
export class Reader {
  readonly #files: Files;
  readonly #problems: Problems;
  /** Absolute paths of every file that was there, in the order of reading. */
  readonly read = new Set<string>();

  constructor(files: Files, problems: Problems) {
    this.#files = files;
    this.#problems = problems;
  }

  kind(path: string): Promise<'file' | 'folder' | undefined> {
    return this.#files.kind(path);
  }

  /**
   * The text of a file without its byte order mark. `unusable` has been noted as a problem; `missing` has not, as many
   * tables may be missing.
   */
  async text(path: string): Promise<FileText> {
    let bytes: Uint8Array | undefined;
    try {
      bytes = await this.#files.read(path);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      this.read.add(path);
      this.#problems.addFile(path, code, 'a readable file', `cannot be read (${code}), allowed a readable file`);
      return { state: 'unusable' };
    }
    if (bytes === undefined) return { state: 'missing' };
    this.read.add(path);
    try {
      return { state: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
    } catch {
      this.#problems.addFile(
        path,
        'bytes that are not UTF-8',
        'UTF-8 text',
        'found bytes that are not UTF-8, allowed UTF-8 text (save the file as UTF-8; spreadsheets call it "CSV UTF-8")',
      );
      return { state: 'unusable' };
    }
  }
}
