import { closeSync, fdatasync, openSync, writeSync } from 'node:fs';
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
}

/**
 * A queue of records on the local disk, for the time that the bus is away. Records are handed to the operating system
 * at once, so they survive a kill of the process; they are synced to the device every second. Each record carries its
 * length and CRC-32; what a crash left half-written at the end of a segment is ignored.
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
      writeSync(open.file, framed);
      open.bytes += size;
      this.#bytes += size;
      this.#broken = undefined;
      if (open.bytes >= this.#segmentBytes) this.#seal();
      else this.#syncTimer ??= setTimeout(() => this.#sync(), 1_000).unref();
      return true;
    } catch (error) {
      this.#broken = errorMessage(error);
      this.#seal(); // A half-written record ends its segment; the next one begins a new file.
      return false;
    }
  }

  /** The oldest records; later appends go to another segment. undefined when the spool is empty. */
  async oldest(): Promise<Segment | undefined> {
    if (this.#segments.size === 0) this.#seal();
    const first = this.#segments.keys().next();
    if (first.done === true) return undefined;
    return { id: first.value, records: parseRecords(await readFile(this.#path(first.value))) };
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

  #seal(): void {
    clearTimeout(this.#syncTimer);
    this.#syncTimer = undefined;
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    closeSync(open.file);
    this.#segments.set(open.id, open.bytes);
  }

  #sync(): void {
    this.#syncTimer = undefined;
    const file = this.#open?.file;
    if (file === undefined) return;
    fdatasync(file, (error) => {
      if (error !== null) this.#broken = errorMessage(error);
    });
  }

  #path(id: number): string {
    return join(this.#folder, `${String(id).padStart(10, '0')}.spool`);
  }
}

function parseRecords(bytes: Buffer): Uint8Array[] {
  const records: Uint8Array[] = [];
  let at = 0;
  while (at + RECORD_HEAD <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    const end = at + RECORD_HEAD + length;
    if (end > bytes.length) break;
    const record = bytes.subarray(at + RECORD_HEAD, end);
    if (crc32(record) !== bytes.readUInt32LE(at + 4)) break;
    records.push(record);
    at = end;
  }
  return records;
}
