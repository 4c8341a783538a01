import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Reading } from '../../actors/client/metering.js';
import { encodeBase58 } from '../../site/metering/base58.js';
import { parseKilowattHours } from '../../site/metering/energy.js';
import { readingBytes } from '../../site/metering/reading-bytes.js';

const QUARTER_MS = 900_000;

/** A device with a key of its own, which signs its readings. */
export class SigningMeter {
  readonly id: string;
  /** base58. */
  readonly publicKey: string;
  readonly #privateKey: KeyObject;
  #sequence = 0;
  /** End of the last reading. */
  #end: number;

  /** @param from end of the reading before the first */
  constructor(id: string, from: number) {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    this.id = id;
    this.publicKey = encodeBase58(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32));
    this.#privateKey = privateKey;
    this.#end = from;
  }

  /** The reading of the next interval; `change` is signed too. */
  next(kwh = '1.25', change: Partial<Reading> = {}, lengthMs = QUARTER_MS): Reading {
    const start = this.#end;
    this.#end += lengthMs;
    this.#sequence += 1;
    return this.sign({ meter: this.id, start, end: this.#end, kwh, sequence: this.#sequence, ...change });
  }

  /** A reading as it is given, signed. */
  sign(reading: Omit<Reading, 'signature'>): Reading {
    const { meter, start, end, kwh, sequence } = reading;
    const bytes = readingBytes({ meter, start, end, sequence, energy: parseKilowattHours(kwh) });
    return { ...reading, signature: encodeBase58(sign(null, bytes, this.#privateKey)) };
  }
}
