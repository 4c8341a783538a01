import type { ChannelBase } from '../model.js';

export const CAN_BYTE_ORDERS = ['little', 'big'] as const;
export type CanByteOrder = (typeof CAN_BYTE_ORDERS)[number];

/** A channel that listens to a CAN bus, or to a log of one. */
export interface CanChannel extends ChannelBase {
  readonly protocol: 'can';
  readonly source: CanSource;
  /** Parallel to `points`. */
  readonly mappings: readonly CanSignal[];
}

export type CanSource =
  /** A network interface, such as `can0`, read by `candump`. */
  | { readonly type: 'interface'; readonly interface: string }
  /** A log as `candump -L` writes it. */
  | {
      readonly type: 'log';
      /** Absolute path. */
      readonly file: string;
      /** Only frames of this interface; undefined: all. */
      readonly interface?: string;
      /** 1: as it was; 60: an hour a minute. */
      readonly speed: number;
      /** Begin again at the end. */
      readonly repeat: boolean;
    };

/** Where a value lies in the frames of one identifier; bits are numbered as in DBC files, 0 the lowest of byte 0. */
export interface CanSignal {
  readonly canId: number;
  /** An identifier of 29 bits, not of 11. */
  readonly extended: boolean;
  /** Little: the least significant bit. Big: the most significant one. */
  readonly startBit: number;
  /** Bits, 1 to 64. */
  readonly length: number;
  readonly byteOrder: CanByteOrder;
  readonly encoding: 'unsigned' | 'signed' | 'float';
  /** Silence after which the value is stale; 0: never. */
  readonly staleAfterMs: number;
}

/** Payload of the longest frame (CAN FD, ISO 11898-1), in bytes. */
export const MAX_FRAME_BYTES = 64;

/** The byte that holds the signal's least significant bit, that bit, and the way to the next byte. */
export interface SignalLayout {
  readonly byte: number;
  readonly bit: number;
  readonly step: 1 | -1;
  /** Bytes that a frame must have to hold the signal. */
  readonly bytes: number;
}

export function layoutOf({
  startBit,
  length,
  byteOrder,
}: Pick<CanSignal, 'startBit' | 'length' | 'byteOrder'>): SignalLayout {
  const first = startBit >> 3;
  if (byteOrder === 'little')
    return { byte: first, bit: startBit & 7, step: 1, bytes: ((startBit + length - 1) >> 3) + 1 };
  // From the most significant bit down to bit 0 of its byte, then from bit 7 of the next byte on.
  const below = length - ((startBit & 7) + 1);
  if (below <= 0) return { byte: first, bit: -below, step: -1, bytes: first + 1 };
  const last = first + Math.ceil(below / 8);
  return { byte: last, bit: 7 - ((below - 1) % 8), step: -1, bytes: last + 1 };
}
