import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Reading } from '../../actors/client/metering.js';
import { encodeBase58 } from '../../site/metering/base58.js';
import { formatKilowattHours } from '../../site/metering/energy.js';
import { readingBytes } from '../../site/metering/reading-bytes.js';
import type { Random } from '../../protocols/virtual/random.js';

/** An interval of one minute, about 1 kWh each: within what is usual, so that none is held for a person. */
const INTERVAL_MS = 60_000;
const USUAL_UWH = 1_000_000_000;
const SPREAD_UWH = 100_000_000;
/** Before that a reading would be too old. */
const BEGIN_BEFORE_MS = 5 * 86_400_000;

function newKey(): { publicKey: string; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { publicKey: encodeBase58(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)), privateKey };
}

/** A reading as it is sent, and what it is worth. */
export interface SentReading {
  readonly reading: Reading;
  /** µWh. */
  readonly energy: bigint;
}

/** A device of a run that signs its readings, and the wallet that they are minted to. */
export class ChaosMeter {
  readonly id: string;
  readonly user: string;
  readonly wallet: string;
  readonly publicKey: string;
  readonly #privateKey: KeyObject;
  readonly #random: Random;
  #sequence = 0;
  #end = Date.now() - BEGIN_BEFORE_MS;

  constructor(id: string, user: string, random: Random) {
    const { publicKey, privateKey } = newKey();
    this.id = id;
    this.user = user;
    this.wallet = newKey().publicKey;
    this.publicKey = publicKey;
    this.#privateKey = privateKey;
    this.#random = random;
  }

  /** The reading of the next interval. */
  next(): SentReading {
    const energy = BigInt(USUAL_UWH + Math.floor(this.#random() * SPREAD_UWH));
    const [start, end, sequence] = [this.#end, this.#end + INTERVAL_MS, this.#sequence + 1];
    this.#end = end;
    this.#sequence = sequence;
    const bytes = readingBytes({ meter: this.id, start, end, sequence, energy });
    const signature = encodeBase58(sign(null, bytes, this.#privateKey));
    return { reading: { meter: this.id, start, end, sequence, kwh: formatKilowattHours(energy), signature }, energy };
  }

  /** A later reading whose signature is that of another one: no meter may take it. */
  forged({ reading }: SentReading): Reading {
    return { ...reading, sequence: reading.sequence + 1_000_000, start: reading.end, end: reading.end + INTERVAL_MS };
  }
}
