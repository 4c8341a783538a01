import { crc32 } from 'node:zlib';
import type { TransactionErrorJson } from './vm.js';

/** One transaction as the ledger keeps it, whether it succeeded or failed. */
export interface LedgerRecord {
  readonly slot: number;
  /** Seconds since the Unix epoch. */
  readonly time: number;
  readonly err: TransactionErrorJson | null;
  /** Lamports. */
  readonly fee: bigint;
  readonly unitsConsumed: number;
  /** Of failed transactions only: what succeeded can be read from its instructions, and its logs are most of the bytes. */
  readonly logs: readonly string[];
  /** As it was sent. */
  readonly bytes: Buffer;
  /** For each key of the message, in its order. */
  readonly preBalances: readonly bigint[];
  readonly postBalances: readonly bigint[];
  /** Where the ledger holds the transaction before this one that names the same key; −1: none does. */
  readonly previous: readonly number[];
}

/** Length of the body (u32), and its CRC-32. */
export const RECORD_HEAD = 8;
/** More than any record: a transaction of 1,232 bytes has at most 38 keys, and programs' logs are cut at 10 kB. */
export const MAX_RECORD_BYTES = 64 * 1024;
const FIXED = 8 + 8 + 8 + 4 + 2 + 2 + 2 + 1;

export function encodeRecord(record: LedgerRecord): Buffer {
  const err = Buffer.from(record.err === null ? '' : JSON.stringify(record.err));
  const logs = Buffer.from(record.logs.length === 0 ? '' : JSON.stringify(record.logs));
  const keys = record.previous.length;
  const body = Buffer.alloc(RECORD_HEAD + FIXED + err.length + logs.length + record.bytes.length + keys * 24);
  let at = RECORD_HEAD;
  at = body.writeDoubleBE(record.slot, at);
  at = body.writeDoubleBE(record.time, at);
  at = body.writeBigUInt64BE(record.fee, at);
  at = body.writeUInt32BE(record.unitsConsumed, at);
  at = body.writeUInt16BE(err.length, at);
  at = body.writeUInt16BE(logs.length, at);
  at = body.writeUInt16BE(record.bytes.length, at);
  at = body.writeUInt8(keys, at);
  for (const part of [record.bytes, err, logs]) at += part.copy(body, at);
  for (let key = 0; key < keys; key++) {
    at = body.writeDoubleBE(record.previous[key] as number, at);
    at = body.writeBigUInt64BE(record.preBalances[key] as bigint, at);
    at = body.writeBigUInt64BE(record.postBalances[key] as bigint, at);
  }
  body.writeUInt32BE(body.length - RECORD_HEAD, 0);
  body.writeUInt32BE(crc32(body.subarray(RECORD_HEAD)), 4);
  return body;
}

/**
 * The record at the beginning of `bytes` and its length there.
 *
 * @returns undefined when the bytes end before the record does, or do not make one
 */
export function decodeRecord(bytes: Buffer): { record: LedgerRecord; length: number } | undefined {
  if (bytes.length < RECORD_HEAD + FIXED) return undefined;
  const length = RECORD_HEAD + bytes.readUInt32BE(0);
  if (length > bytes.length || length < RECORD_HEAD + FIXED) return undefined;
  const body = bytes.subarray(RECORD_HEAD, length);
  if (crc32(body) !== bytes.readUInt32BE(4)) return undefined;
  const keys = body.readUInt8(34);
  let at = FIXED;
  const take = (count: number) => body.subarray(at, (at += count));
  const transaction = take(body.readUInt16BE(32));
  const err = take(body.readUInt16BE(28)).toString();
  const logs = take(body.readUInt16BE(30)).toString();
  const previous: number[] = [];
  const preBalances: bigint[] = [];
  const postBalances: bigint[] = [];
  for (let key = 0; key < keys; key++, at += 24) {
    previous.push(body.readDoubleBE(at));
    preBalances.push(body.readBigUInt64BE(at + 8));
    postBalances.push(body.readBigUInt64BE(at + 16));
  }
  const record: LedgerRecord = {
    slot: body.readDoubleBE(0),
    time: body.readDoubleBE(8),
    fee: body.readBigUInt64BE(16),
    unitsConsumed: body.readUInt32BE(24),
    err: err === '' ? null : (JSON.parse(err) as TransactionErrorJson),
    logs: logs === '' ? [] : (JSON.parse(logs) as string[]),
    bytes: transaction,
    previous,
    preBalances,
    postBalances,
  };
  return { record, length };
}
