/**
 * The wire form of transactions: signatures, then a message of the legacy form or of version 0
 * (https://solana.com/docs/core/transactions, https://docs.anza.xyz/proposals/versioned-transactions).
 */
export interface WireInstruction {
  readonly program: number;
  readonly accounts: Uint8Array;
  readonly data: Uint8Array;
}

export interface WireMessage {
  readonly version: 'legacy' | 0;
  readonly requiredSignatures: number;
  readonly readonlySigned: number;
  readonly readonlyUnsigned: number;
  readonly keys: readonly Buffer[];
  /** 32 bytes. */
  readonly blockhash: Buffer;
  readonly instructions: readonly WireInstruction[];
}

export interface WireTransaction {
  /** 64 bytes each. */
  readonly signatures: readonly Buffer[];
  readonly message: WireMessage;
}

/** A transaction must fit one packet of the network: IPv6's least MTU without its headers. */
export const MAX_TRANSACTION_BYTES = 1232;

/** The bytes make no transaction; the text is for the caller. */
export class WireError extends Error {}

/** @throws WireError */
export function parseTransaction(bytes: Buffer): WireTransaction {
  const reader = new Reader(bytes);
  const signatures = Array.from({ length: reader.shortLength() }, () => reader.take(64));
  const message = readMessage(reader);
  if (signatures.length !== message.requiredSignatures) {
    throw new WireError(`${signatures.length} signatures, but the message requires ${message.requiredSignatures}`);
  }
  return { signatures, message };
}

/** A message alone. @throws WireError */
export function parseMessage(bytes: Buffer): WireMessage {
  return readMessage(new Reader(bytes));
}

/** Whether the message may change the account of its key `index`. */
export function isWritable(message: WireMessage, index: number): boolean {
  return index < message.requiredSignatures
    ? index < message.requiredSignatures - message.readonlySigned
    : index < message.keys.length - message.readonlyUnsigned;
}

function readMessage(reader: Reader): WireMessage {
  const first = reader.byte();
  const versioned = first >= 0x80;
  if (versioned && first !== 0x80) throw new WireError(`version ${first & 0x7f} of messages is not known`);
  const requiredSignatures = versioned ? reader.byte() : first;
  const readonlySigned = reader.byte();
  const readonlyUnsigned = reader.byte();
  const keys = Array.from({ length: reader.shortLength() }, () => reader.take(32));
  const blockhash = reader.take(32);
  const instructions = Array.from({ length: reader.shortLength() }, () => {
    const program = reader.byte();
    const accounts = reader.take(reader.shortLength());
    const data = reader.take(reader.shortLength());
    if ([program, ...accounts].some((index) => index >= keys.length)) {
      throw new WireError('an instruction names an account that the message does not hold');
    }
    return { program, accounts, data };
  });
  if (versioned && reader.shortLength() > 0) {
    throw new WireError('the embedded chain takes no address lookup tables');
  }
  reader.end();
  const signers = requiredSignatures - readonlySigned;
  if (signers < 1 || requiredSignatures + readonlyUnsigned > keys.length) {
    throw new WireError('the message counts more signers or readonly accounts than it holds, or no payer');
  }
  return {
    version: versioned ? 0 : 'legacy',
    requiredSignatures,
    readonlySigned,
    readonlyUnsigned,
    keys,
    blockhash,
    instructions,
  };
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new WireError(`the bytes end at ${this.#bytes.length}, too early`);
    return byte;
  }

  take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    if (taken.length < length) throw new WireError(`the bytes end at ${this.#bytes.length}, too early`);
    this.#at += length;
    return taken;
  }

  /** Seven bits for each byte, the lowest first; at most three bytes, 16 bits (“compact-u16”). */
  shortLength(): number {
    let length = 0;
    for (let shift = 0; shift < 21; shift += 7) {
      const byte = this.byte();
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        if ((byte === 0 && shift > 0) || length > 0xffff) break;
        return length;
      }
    }
    throw new WireError('a length is not in its shortest form');
  }

  end(): void {
    if (this.#at !== this.#bytes.length) {
      throw new WireError(`${this.#bytes.length - this.#at} bytes are left over`);
    }
  }
}
