import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { hold } from './held.js';

const FILLER = 'filler';
const CHUNK_BYTES = 256 * 1024;

/** A small disk of its own that can be made full: a tmpfs, so it needs the right to mount. */
export class Disk {
  readonly #folder: string;
  readonly #release: () => Promise<void>;

  private constructor(folder: string, release: () => Promise<void>) {
    this.#folder = folder;
    this.#release = release;
  }

  /**
   * Mounts it at a folder, which is made if need be.
   *
   * @throws `process.start_failed` where that is not permitted
   */
  static async mount(folder: string, megabytes: number): Promise<Disk> {
    await mkdir(folder, { recursive: true });
    const setUp = 'mount -t tmpfs -o "size=$2m,mode=700" statewatt-chaos "$1"';
    const { release } = await hold('small disk', setUp, 'umount -l "$1"', [folder, String(megabytes)]);
    return new Disk(folder, release);
  }

  /** Takes all the room that is left. */
  fill(): void {
    const file = openSync(join(this.#folder, FILLER), 'w');
    try {
      for (let bytes = CHUNK_BYTES; bytes >= 1;) {
        try {
          if (writeSync(file, Buffer.alloc(bytes)) < bytes) bytes = Math.floor(bytes / 2);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
          bytes = Math.floor(bytes / 2);
        }
      }
    } finally {
      closeSync(file);
    }
  }

  /** Gives the room back. */
  async empty(): Promise<void> {
    await rm(join(this.#folder, FILLER), { force: true });
  }

  async unmount(): Promise<void> {
    await this.#release();
  }
}
