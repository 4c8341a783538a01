import { closeSync, fdatasync, openSync, rmSync, writeSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { errorMessage } from '../../errors/error.js';

const RECORD_HEAD = 8;
const NAME = /^(\d{10})\.spool$/;

export interface SpoolOptions {
  readonly folder: string;
  /** Bound of the bytes on disk; beyond it records are refused. */
  readonly maxBytes: number;
  /** A segment is closed when it is larger, so that space comes back while the spool is being emptied. */
  readonly segmentBytes?: number;
}

/** Some records in the order in which they were appended; gone from disk once `drop` is called with it. */
export interface Segment {
  readonly id: number;
  readonly records: readonly Uint8Array[];
  /** Bytes that made no record: a write that a crash cut short, or a bad disk. */
  readonly damagedBytes: number;
}

/**
 * A queue of records on the local disk, for the time that the bus is away. Records are handed to the operating system
 * at once, so they survive a kill of the process; they are synced to the device every second. Each record carries its
 * length and CRC-32; what makes no record is left out and told.
 */
export class Spool {
  readonly #folder: string;
  readonly #maxBytes: number;
  readonly #segmentBytes: number;
  /** Closed segments, oldest first: id and size. */
  readonly #segments = new Map<number, number>();
  #open: { id: number; file: number; bytes: number } | undefined;
  #nextId = 1;
  #syncTimer: NodeJS.Timeout | undefined;
  #broken: string | undefined;
  #bytes = 0;

  private constructor(options: SpoolOptions) {
    this.#folder = options.folder;
    this.#maxBytes = options.maxBytes;
    this.#segmentBytes = options.segmentBytes ?? 4 * 1024 ** 2;
  }

  /** Takes up what an earlier run has left. */
  static async open(options: SpoolOptions): Promise<Spool> {
    const spool = new Spool(options);
    await mkdir(options.folder, { recursive: true });
    const found = (await readdir(options.folder)).map((name) => NAME.exec(name)).filter((match) => match !== null);
    for (const [name, id] of found.sort(([a], [b]) => a.localeCompare(b))) {
      const { size } = await stat(join(options.folder, name));
      spool.#segments.set(Number(id), size);
      spool.#bytes += size;
      spool.#nextId = Number(id) + 1;
    }
    return spool;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#segments.size === 0 && this.#open === undefined;
  }

  /** Why the last append was refused by the disk; undefined when it was taken. */
  get fault(): string | undefined {
    return this.#broken;
  }

  /** False when the spool is full or the disk refuses: the record is not kept. */
  append(record: Uint8Array): boolean {
    const size = RECORD_HEAD + record.length;
    if (this.#bytes + size > this.#maxBytes) {
      this.#broken = undefined;
      return false;
    }
    const framed = Buffer.allocUnsafe(size);
    framed.writeUInt32LE(record.length, 0);
    framed.writeUInt32LE(crc32(record), 4);
    framed.set(record, RECORD_HEAD);
    try {
      const open = (this.#open ??= this.#create());
      const written = writeSync(open.file, framed);
      // A disk that gets full takes a part and reports no error.
      if (written !== size) throw new Error(`the disk took ${written} of ${size} bytes`);
      open.bytes += size;
      this.#bytes += size;
      this.#broken = undefined;
      if (open.bytes >= this.#segmentBytes) this.#seal();
      else this.#syncTimer ??= setTimeout(() => this.#sync(), 1_000).unref();
      return true;
    } catch (error) {
      this.#broken = errorMessage(error);
      // A half-written record ends its segment; the next one begins a new file.
      if (this.#open?.bytes === 0) this.#discard(this.#open);
      else this.#seal();
      return false;
    }
  }

  /** The oldest records; later appends go to another segment. undefined when the spool is empty. */
  async oldest(): Promise<Segment | undefined> {
    if (this.#segments.size === 0) this.#seal();
    const first = this.#segments.entries().next();
    if (first.done === true) return undefined;
    const [id, size] = first.value;
    const bytes = await this.#read(id);
    return { id, ...(bytes === undefined ? { records: [], damagedBytes: size } : parseRecords(bytes)) };
  }

  async drop(segment: Segment): Promise<void> {
    await rm(this.#path(segment.id), { force: true });
    this.#bytes -= this.#segments.get(segment.id) ?? 0;
    this.#segments.delete(segment.id);
  }

  close(): void {
    this.#seal();
  }

  #create(): { id: number; file: number; bytes: number } {
    const id = this.#nextId++;
    return { id, file: openSync(this.#path(id), 'wx'), bytes: 0 };
  }

  /** A file that holds nothing: on a full disk there must not be one for each record. */
  #discard({ id, file }: { readonly id: number; readonly file: number }): void {
    this.#open = undefined;
    closeSync(file);
    rmSync(this.#path(id), { force: true });
  }

  #seal(): void {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#segments.set(open.id, open.bytes);
    fdatasync(open.file, (error) => {
      if (error !== null) this.#broken = errorMessage(error);
      closeSync(open.file);
    });
  }

  #sync(): void {
    this.#syncTimer = undefined;
    const file = this.#open?.file;
    if (file === undefined) return;
    fdatasync(file, (error) => {
      if (error !== null) this.#broken = errorMessage(error);
    });
  }

  /** Nothing when somebody has removed the file: what it held is gone, and must not hold up the rest. */
  async #read(id: number): Promise<Buffer | undefined> {
    try {
      return await readFile(this.#path(id));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #path(id: number): string {
    return join(this.#folder, `${String(id).padStart(10, '0')}.spool`);
  }
}

function parseRecords(bytes: Buffer): { records: Uint8Array[]; damagedBytes: number } {
  const records: Uint8Array[] = [];
  let damagedBytes = 0;
  let at = 0;
  while (at + RECORD_HEAD <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + RECORD_HEAD + length;
    // A power cut may leave zeros where data was to come; no record is empty.
    if (length === 0 || end > bytes.length) break;
    const record = bytes.subarray(at + RECORD_HEAD, end);
    if (crc32(record) === bytes.readUInt32LE(at + 4)) records.push(record);
    else damagedBytes += end - at;
    at = end;
  }
  return { records, damagedBytes: damagedBytes + bytes.length - at };
}
