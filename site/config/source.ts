import { resolve } from 'node:path';
import type { Reader } from './files.js';
import { formatPath, type KeyPath, type YamlSource } from './yaml-source.js';
import type { Origin, Problems } from './problems.js';

/** What the parts of a load share. */
export interface SiteSource {
  readonly yaml: YamlSource;
  readonly problems: Problems;
  readonly reader: Reader;
  /** Folder that relative paths of the site file start from. */
  readonly folder: string;
  /** Folders that relative paths of tables start from; the first is the one that counts for `table_config`. */
  readonly tableFolders: readonly string[];
}

/** A block of the site file, for saying where in it something is wrong. */
export class Block implements Origin {
  readonly #source: Pick<SiteSource, 'yaml' | 'problems'>;
  readonly path: KeyPath;

  constructor(source: Pick<SiteSource, 'yaml' | 'problems'>, path: KeyPath) {
    this.#source = source;
    this.path = path;
  }

  at(...steps: KeyPath): Block {
    return new Block(this.#source, [...this.path, ...steps]);
  }

  /** `field` may be empty, for the block itself. */
  report(field: string, found: string, allowed: string, why?: string): void {
    const path = field === '' ? this.path : [...this.path, field];
    this.#source.problems.add(this.#source.yaml.place(path, true), formatPath(path), found, allowed, why);
  }
}

/**
 * The value of the one key that is given, of several that mean the same; a problem when more than one is.
 * The first name is the project's own, the others are VoltageEMS's.
 */
export function given<T extends object, K extends keyof T & string>(
  block: Block,
  file: T,
  keys: readonly K[],
): T[K] | undefined {
  const [first, second] = keys.filter((key) => file[key] !== undefined);
  if (first === undefined) return undefined;
  if (second !== undefined) {
    block.report(second, `${first} and ${second}`, 'one of them', `${first} is given too, allowed one of them`);
  }
  return file[first];
}

export function resolveIn(folder: string, ...names: readonly string[]): string {
  return resolve(folder, ...names);
}
