import { closeSync, openSync, readSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { StatewattError } from '../../../errors/error.js';
import { decodeRecord, encodeRecord, MAX_RECORD_BYTES, RECORD_HEAD, type LedgerRecord } from './record.js';

/** Bytes read at once while the ledger is gone through. */
const CHUNK = 4 * 1024 * 1024;

/**
 * The transactions of the chain in their order, in one file that only grows. What is appended is written and waited for
 * (fsync) in groups: all that came while a group was being written is the next one.
 */
export class Ledger {
  readonly #file: FileHandle;
  readonly #reading: number;
  readonly #path: string;
  #end: number;
  /** All before it is on disk. */
  #durableEnd: number;
  #buffered: Buffer[] = [];
  #writing: Promise<void> | undefined;

  private constructor(path: string, file: FileHandle, reading: number, end: number) {
    this.#path = path;
    this.#file = file;
    this.#reading = reading;
    this.#end = end;
    this.#durableEnd = end;
  }

  /**
   * Opens the file and shows each record that it holds. A record at its end that was never finished is cut off: nobody has
   * been told of it.
   *
   * @param visit gets each record and its offset, in order
   * @throws `chain.ledger_damaged` when more is unreadable than an unfinished write can have left
   */
  static async open(path: string, visit: (record: LedgerRecord, offset: number) => void): Promise<Ledger> {
    const file = await open(path, 'a+');
    try {
      const end = await readAll(file, visit);
      const { size } = await file.stat();
      if (size - end > MAX_GROUP_BYTES) throw damaged(path, end, size);
      if (size > end) {
        await file.truncate(end);
        await file.datasync();
      }
      return new Ledger(path, file, openSync(path, 'r'), end);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Where the next record will stand. */
  get end(): number {
    return this.#end;
  }

  /** Records before it are on disk. */
  get durableEnd(): number {
    return this.#durableEnd;
  }

  /** Adds a record, which is on disk when the answer of `flush` resolves. @returns its offset */
  append(record: LedgerRecord): number {
    const offset = this.#end;
    const bytes = encodeRecord(record);
    this.#buffered.push(bytes);
    this.#end += bytes.length;
    return offset;
  }

  /** Resolves when all that has been appended is on disk. */
  async flush(): Promise<void> {
    const wanted = this.#end;
    while (this.#durableEnd < wanted) {
      this.#writing ??= this.#writeGroup().finally(() => (this.#writing = undefined));
      await this.#writing;
    }
  }

  /** The record at an offset, which is on disk. */
  read(offset: number): LedgerRecord {
    const bytes = Buffer.allocUnsafe(Math.min(MAX_RECORD_BYTES, this.#durableEnd - offset));
    let length = readSync(this.#reading, bytes, 0, Math.min(bytes.length, FIRST_READ), offset);
    const whole = length < RECORD_HEAD ? 0 : RECORD_HEAD + bytes.readUInt32BE(0);
    if (whole > length && whole <= bytes.length) {
      length += readSync(this.#reading, bytes, length, whole - length, offset + length);
    }
    const decoded = decodeRecord(bytes.subarray(0, length));
    if (decoded === undefined) throw damaged(this.#path, offset, this.#durableEnd);
    return decoded.record;
  }

  async close(): Promise<void> {
    await this.flush();
    closeSync(this.#reading);
    await this.#file.close();
  }

  async #writeGroup(): Promise<void> {
    const group: Buffer[] = [];
    let size = 0;
    while (this.#buffered.length > 0 && size < MAX_GROUP_BYTES - MAX_RECORD_BYTES) {
      const bytes = this.#buffered.shift() as Buffer;
      group.push(bytes);
      size += bytes.length;
    }
    await this.#file.writev(group);
    await this.#file.datasync();
    this.#durableEnd += size;
  }
}

const MAX_GROUP_BYTES = 4 * 1024 * 1024;
/** Most records are smaller, so one read has them. */
const FIRST_READ = 4096;

/** @returns the end of the last whole record */
async function readAll(file: FileHandle, visit: (record: LedgerRecord, offset: number) => void): Promise<number> {
  let end = 0;
  let rest = Buffer.alloc(0);
  for (;;) {
    const chunk = Buffer.alloc(CHUNK);
    const { bytesRead } = await file.read(chunk, 0, CHUNK, end + rest.length);
    if (bytesRead === 0) return end;
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    let at = 0;
    for (;;) {
      const decoded = decodeRecord(bytes.subarray(at));
      if (decoded === undefined) break;
      visit(decoded.record, end + at);
      at += decoded.length;
    }
    end += at;
    rest = bytes.subarray(at);
    if (at === 0 && rest.length > MAX_RECORD_BYTES) return end;
  }
}

function damaged(path: string, offset: number, size: number): StatewattError {
  return new StatewattError(
    'chain.ledger_damaged',
    'internal',
    `${path} cannot be read from byte ${offset} on, of ${size}; a whole copy of it is needed, or an empty folder for a new chain`,
  );
}
