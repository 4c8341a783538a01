import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { whileConnected } from '../../bus/while-connected.js';
import { StatewattError } from '../../errors/error.js';

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Bytes of one message: less than the 1 MiB that NATS takes by default. */
const PIECE = 512 * 1024;

/** One file of a configuration as it is kept. */
export interface KeptFile {
  readonly path: string;
  /** Bytes and SHA-256 of the file itself; of one with secrets, the text is another. */
  readonly bytes: number;
  readonly sha256: string;
  readonly text: string;
  /** base64: it was no UTF-8. */
  readonly encoding: 'utf8' | 'base64';
}

/**
 * Keeps the files of a configuration under its hash, compressed, in pieces. Doing it twice does it once.
 *
 * @returns how many pieces
 * @throws `bus.unavailable`, and what the server refuses
 */
export async function keepConfiguration(bus: Bus, hash: string, files: readonly KeptFile[]): Promise<number> {
  const whole = await compress(JSON.stringify(files));
  const pieces = Math.ceil(whole.byteLength / PIECE);
  // The last is written last: if it is there, all are.
  if ((await lastOf(bus, subjects.configuration(hash, pieces - 1))) !== undefined) return pieces;
  for (let piece = 0; piece < pieces; piece++) {
    const data = whole.subarray(piece * PIECE, (piece + 1) * PIECE);
    await whileConnected(bus, () => bus.jetstream.publish(subjects.configuration(hash, piece), data));
  }
  return pieces;
}

/** @throws `config.text_missing`, `bus.unavailable` */
export async function readConfiguration(bus: Bus, hash: string, pieces: number): Promise<KeptFile[]> {
  const parts: Uint8Array[] = [];
  for (let piece = 0; piece < pieces; piece++) {
    const data = await lastOf(bus, subjects.configuration(hash, piece));
    if (data === undefined) throw missing(hash);
    parts.push(data);
  }
  if (pieces === 0) throw missing(hash);
  return JSON.parse((await decompress(Buffer.concat(parts))).toString('utf8')) as KeptFile[];
}

/** Removes what no entry of the journal has any more. */
export async function forgetConfiguration(bus: Bus, hashes: readonly string[]): Promise<void> {
  for (const hash of hashes) {
    const filter = subjects.configuration(hash, '*');
    await whileConnected(bus, () => bus.manager.streams.purge(STREAM.configurations, { filter }));
  }
}

async function lastOf(bus: Bus, subject: string): Promise<Uint8Array | undefined> {
  const found = await whileConnected(bus, () =>
    bus.manager.direct.getMessage(STREAM.configurations, { last_by_subj: subject }),
  );
  return found?.data;
}

function missing(hash: string): StatewattError {
  return new StatewattError('config.text_missing', 'not_found', `the files of the configuration ${hash} are not kept`);
}
