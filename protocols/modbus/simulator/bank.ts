import type { ByteOrder } from '../../../site/model.js';
import type { DataType } from '../../../site/points.js';
import { decodeString, decoderOf, encodeNumber, encodeString } from '../codec.js';
import { ILLEGAL_DATA_ADDRESS } from '../pdu.js';

const ADDRESSES = 65_536;

/** Addresses that exist, and ranges that the device refuses. Shared by registers and bits. */
class AddressSpace {
  readonly #refused: { from: number; to: number; exception: number }[] = [];

  constructor(readonly size: number) {}

  /** Requests that touch `from … to` (inclusive) get this exception. */
  refuse(from: number, to = from, exception: number = ILLEGAL_DATA_ADDRESS): void {
    this.#refused.push({ from, to, exception });
  }

  /** Ends every refusal. */
  accept(): void {
    this.#refused.length = 0;
  }

  /** The exception that touching `count` addresses from `address` gets; 0 = none. */
  exceptionAt(address: number, count: number): number {
    if (address + count > this.size) return ILLEGAL_DATA_ADDRESS;
    for (const range of this.#refused) {
      if (address <= range.to && address + count > range.from) return range.exception;
    }
    return 0;
  }
}

/** 16-bit registers, kept as they go over the wire (big-endian). Never set: 0. */
export class RegisterTable extends AddressSpace {
  #bytes = new Uint8Array(256);

  setUint16(address: number, value: number): void {
    this.setNumber(address, 'uint16', 'AB', value);
  }
  setInt16(address: number, value: number): void {
    this.setNumber(address, 'int16', 'AB', value);
  }
  setUint32(address: number, value: number, order: ByteOrder = 'ABCD'): void {
    this.setNumber(address, 'uint32', order, value);
  }
  setInt32(address: number, value: number, order: ByteOrder = 'ABCD'): void {
    this.setNumber(address, 'int32', order, value);
  }
  setFloat32(address: number, value: number, order: ByteOrder = 'ABCD'): void {
    this.setNumber(address, 'float32', order, value);
  }
  setFloat64(address: number, value: number, order: ByteOrder = 'ABCDEFGH'): void {
    this.setNumber(address, 'float64', order, value);
  }
  /** @throws ProtocolError `protocol.value_out_of_range` */
  setNumber(address: number, type: Exclude<DataType, 'string'>, order: ByteOrder, value: number): void {
    this.setWire(address, encodeNumber(type, order, value));
  }
  setString(address: number, text: string, registers: number, order: ByteOrder = 'AB'): void {
    this.setWire(address, encodeString(text, registers, order));
  }
  setBit(address: number, bit: number, on: boolean): void {
    const word = this.getUint16(address);
    this.setUint16(address, on ? word | (1 << bit) : word & ~(1 << bit));
  }
  /** Wire bytes, two per register. */
  setWire(address: number, wire: Uint8Array): void {
    if (address + wire.length / 2 > this.size) {
      throw new RangeError(`address ${address} + ${wire.length / 2} registers: allowed up to ${this.size}`);
    }
    this.#grow((address * 2 + wire.length) | 0);
    this.#bytes.set(wire, address * 2);
  }

  getUint16(address: number): number {
    return this.getNumber(address, 'uint16', 'AB');
  }
  getNumber(address: number, type: Exclude<DataType, 'string'>, order: ByteOrder): number {
    this.#grow(address * 2 + 8);
    return decoderOf(type, order)(this.#bytes, address * 2);
  }
  getString(address: number, registers: number, order: ByteOrder = 'AB'): string {
    this.#grow((address + registers) * 2);
    return decodeString(this.#bytes, address * 2, registers, order);
  }

  /** Copies the wire bytes of `count` registers. */
  copyWire(address: number, count: number, target: Uint8Array, offset: number): void {
    this.#grow((address + count) * 2);
    target.set(this.#bytes.subarray(address * 2, (address + count) * 2), offset);
  }

  /** Memory grows with use: a thousand devices with a hundred registers each stay small. */
  #grow(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(bytes, this.#bytes.length * 2));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/** Single bits: coils or discrete inputs. Never set: off. */
export class BitTable extends AddressSpace {
  readonly #on = new Set<number>();

  set(address: number, on: boolean): void {
    if (address >= this.size) throw new RangeError(`address ${address}: allowed up to ${this.size - 1}`);
    if (on) this.#on.add(address);
    else this.#on.delete(address);
  }
  get(address: number): boolean {
    return this.#on.has(address);
  }
}

/** One write that a client asked for. */
export interface BankWrite {
  readonly functionCode: 5 | 6 | 15 | 16;
  readonly area: 'coils' | 'holding';
  readonly address: number;
  /** Coils: 0 or 1; registers: 0 … 65535. */
  readonly values: readonly number[];
}

export interface RegisterBankOptions {
  /** Addresses 0 … size-1 exist in each table. Default: all 65,536. */
  readonly size?: number;
  /** Called before a client's write takes effect; an exception code as answer refuses it. */
  readonly onWrite?: (write: BankWrite) => number | void;
}

/** How a unit misbehaves, on purpose; each can be set and cleared at any time. */
export interface UnitFaults {
  /** Every request gets this exception. */
  exception?: number;
  /** Reads of more registers (or bits) get exception 3. */
  maxCount?: number;
  /** Rest before each answer. */
  delayMs?: number;
  /** No answer at all. */
  silent?: boolean;
  /** The connection is closed instead of an answer. */
  drop?: boolean;
  answer?:
    'wrong-transaction' | 'wrong-unit' | 'wrong-function' | 'short' | 'truncated' | 'oversized' | 'wrong-protocol';
}

/** The four tables of one unit (server device), and its faults. */
export class RegisterBank {
  readonly holding: RegisterTable;
  readonly input: RegisterTable;
  readonly coils: BitTable;
  readonly discrete: BitTable;
  readonly faults: UnitFaults = {};
  onWrite: ((write: BankWrite) => number | void) | undefined;

  constructor({ size = ADDRESSES, onWrite }: RegisterBankOptions = {}) {
    this.holding = new RegisterTable(size);
    this.input = new RegisterTable(size);
    this.coils = new BitTable(size);
    this.discrete = new BitTable(size);
    this.onWrite = onWrite;
  }

  /** Ends every fault and refusal. */
  heal(): void {
    for (const fault of Object.keys(this.faults) as (keyof UnitFaults)[]) delete this.faults[fault];
    for (const table of [this.holding, this.input, this.coils, this.discrete]) table.accept();
  }
}
