import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { AccountState } from './vm.js';

/** The accounts that transactions have changed, as they were when the ledger ended at `ledgerEnd`. */
export interface Snapshot {
  readonly ledgerEnd: number;
  readonly accounts: readonly (readonly [key: Buffer, state: AccountState])[];
}

const MAGIC = Buffer.from('SWCHAIN1');
const HEAD = MAGIC.length + 8 + 8 + 4;
const ACCOUNT = 32 + 8 + 32 + 1 + 8 + 4;

export function encodeSnapshot({ ledgerEnd, accounts }: Snapshot): Buffer {
  let size = HEAD;
  for (const [, state] of accounts) size += ACCOUNT + state.data.length;
  const bytes = Buffer.alloc(size);
  let at = MAGIC.copy(bytes, 0);
  at = bytes.writeDoubleBE(ledgerEnd, at);
  at = bytes.writeDoubleBE(accounts.length, at) + 4;
  for (const [key, state] of accounts) {
    at += key.copy(bytes, at);
    at = bytes.writeBigUInt64BE(state.lamports, at);
    bytes.set(state.owner, at);
    at = bytes.writeUInt8(state.executable ? 1 : 0, at + 32);
    at = bytes.writeBigUInt64BE(state.rentEpoch, at);
    at = bytes.writeUInt32BE(state.data.length, at);
    bytes.set(state.data, at);
    at += state.data.length;
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(HEAD)), HEAD - 4);
  return bytes;
}

/** @returns undefined for what is no whole snapshot */
export function decodeSnapshot(bytes: Buffer): Snapshot | undefined {
  if (bytes.length < HEAD || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (crc32(bytes.subarray(HEAD)) !== bytes.readUInt32BE(HEAD - 4)) return undefined;
  const count = bytes.readDoubleBE(MAGIC.length + 8);
  const accounts: [Buffer, AccountState][] = [];
  let at = HEAD;
  const take = (length: number) => bytes.subarray(at, (at += length));
  for (let index = 0; index < count; index++) {
    const key = take(32);
    const lamports = take(8).readBigUInt64BE();
    const owner = take(32);
    const executable = take(1)[0] === 1;
    const rentEpoch = take(8).readBigUInt64BE();
    const data = take(take(4).readUInt32BE());
    accounts.push([key, { lamports, owner, executable, rentEpoch, data }]);
  }
  return { ledgerEnd: bytes.readDoubleBE(MAGIC.length), accounts };
}

/** Puts the bytes in place of the file as a whole, and waits for the disk. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(`${path}.new`, 'w');
  try {
    await file.writeFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The file's bytes; undefined when there is none. */
export async function readWhole(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
