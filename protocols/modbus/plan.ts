import type { ModbusChannel, ModbusLimits, ModbusMapping } from '../../site/model.js';
import type { Readings } from '../../site/readings.js';
import { REGISTERS, bitDecoderOf, decodeString, decoderOf, type Decoder } from './codec.js';
import { readRequest } from './pdu.js';

export type ReadFunction = 1 | 2 | 3 | 4;

/** One point's place within its slot; offsets in bits (functions 1, 2) or registers (3, 4). */
interface SlotPoint {
  /** In the channel's point table. */
  readonly index: number;
  readonly offset: number;
  readonly mapping: ModbusMapping;
}

/** Addresses that must be read together: one value, or values that share registers. */
export interface Slot {
  readonly address: number;
  readonly length: number;
  readonly points: readonly SlotPoint[];
}

/** All slots that one function of one unit reads, ascending by address. */
export interface SlotGroup {
  readonly unitId: number;
  readonly functionCode: ReadFunction;
  readonly slots: readonly Slot[];
}

/** Sorts a channel's points into slots, by unit and function. */
export function groupSlots(channel: Pick<ModbusChannel, 'mappings' | 'limits'>): SlotGroup[] {
  const groups = new Map<number, { mapping: ModbusMapping; index: number }[]>();
  for (const [index, mapping] of channel.mappings.entries()) {
    const key = mapping.unitId * 8 + mapping.functionCode;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [{ mapping, index }]);
    else group.push({ mapping, index });
  }
  return [...groups]
    .sort(([left], [right]) => left - right)
    .map(([key, points]) => {
      const functionCode = (key % 8) as ReadFunction;
      points.sort((left, right) => left.mapping.address - right.mapping.address || left.index - right.index);
      return {
        unitId: Math.floor(key / 8),
        functionCode,
        slots: slotsOf(points, maxCount(functionCode, channel.limits)),
      };
    });
}

function slotsOf(points: readonly { mapping: ModbusMapping; index: number }[], most: number): Slot[] {
  const slots: { address: number; length: number; points: SlotPoint[] }[] = [];
  for (const { mapping, index } of points) {
    const last = slots.at(-1);
    const end = mapping.address + lengthOf(mapping);
    const overlaps = last !== undefined && mapping.address < last.address + last.length;
    if (overlaps && end - last.address <= most) {
      last.length = Math.max(last.length, end - last.address);
      last.points.push({ index, offset: mapping.address - last.address, mapping });
    } else {
      slots.push({ address: mapping.address, length: end - mapping.address, points: [{ index, offset: 0, mapping }] });
    }
  }
  return slots;
}

/** Registers or bits that a value takes. */
export function lengthOf(mapping: ModbusMapping): number {
  if (mapping.functionCode <= 2 || mapping.bit !== undefined) return 1;
  return mapping.dataType === 'string' ? mapping.registers : REGISTERS[mapping.dataType];
}

function maxCount(functionCode: ReadFunction, limits: ModbusLimits): number {
  return functionCode <= 2 ? limits.maxBitsPerRead : limits.maxRegistersPerRead;
}

/**
 * The fewest blocks that read `slots` (ascending): each within the limits, spanning no more than `maxGap` unwanted
 * addresses between two slots, none crossing an address of `refused` (ascending slots that the device refuses).
 */
export function planBlocks(
  group: Pick<SlotGroup, 'unitId' | 'functionCode'>,
  slots: readonly Slot[],
  limits: ModbusLimits,
  refused: readonly Slot[] = [],
): Block[] {
  const most = maxCount(group.functionCode, limits);
  const blocks: Block[] = [];
  let open: Slot[] = [];
  let end = 0; // first address behind the open block
  for (const slot of slots) {
    const first = open[0];
    if (first !== undefined) {
      const from = end;
      const crosses = refused.some((hole) => hole.address < slot.address && hole.address + hole.length > from);
      if (slot.address - end > limits.maxGap || slot.address + slot.length - first.address > most || crosses) {
        blocks.push(new Block(group.unitId, group.functionCode, open));
        open = [];
      }
    }
    end = open.length === 0 ? slot.address + slot.length : Math.max(end, slot.address + slot.length);
    open.push(slot);
  }
  if (open.length > 0) blocks.push(new Block(group.unitId, group.functionCode, open));
  return blocks;
}

/** Bits of a coil or discrete input answer: bit `n` of a byte. */
const BITS: readonly Decoder[] = Array.from(
  { length: 8 },
  (_, bit): Decoder =>
    (bytes, offset) =>
      ((bytes[offset] as number) >> bit) & 1,
);

interface BlockText {
  readonly index: number;
  readonly offset: number;
  readonly mapping: ModbusMapping;
}

/** One read request and where each value stands in its answer. */
export class Block {
  readonly unitId: number;
  readonly functionCode: ReadFunction;
  readonly slots: readonly Slot[];
  readonly address: number;
  readonly count: number;
  /** The request. */
  readonly pdu: Uint8Array;
  // Numbers, column by column: the point, its byte in the answer's data, and how to read it.
  readonly #indexes: number[] = [];
  readonly #offsets: number[] = [];
  readonly #decoders: Decoder[] = [];
  readonly #texts: BlockText[] = [];

  constructor(unitId: number, functionCode: ReadFunction, slots: readonly Slot[]) {
    this.unitId = unitId;
    this.functionCode = functionCode;
    this.slots = slots;
    this.address = (slots[0] as Slot).address;
    this.count = Math.max(...slots.map((slot) => slot.address + slot.length)) - this.address;
    this.pdu = readRequest(functionCode, this.address, this.count);
    for (const slot of slots) {
      for (const point of slot.points) this.#place(point, slot.address + point.offset - this.address);
    }
  }

  #place({ index, mapping }: SlotPoint, at: number): void {
    if (this.functionCode > 2 && mapping.dataType === 'string' && mapping.bit === undefined) {
      this.#texts.push({ index, offset: at * 2, mapping });
      return;
    }
    this.#indexes.push(index);
    if (this.functionCode <= 2) {
      this.#offsets.push(at >> 3);
      this.#decoders.push(BITS[at & 7] as Decoder);
      return;
    }
    this.#offsets.push(at * 2);
    this.#decoders.push(readDecoder(mapping));
  }

  /** Puts the values of an answer into readings; its data begins at `bytes[start]`. */
  store(bytes: Uint8Array, start: number, readings: Readings, time: number): void {
    const indexes = this.#indexes;
    for (let n = 0; n < indexes.length; n++) {
      const raw = (this.#decoders[n] as Decoder)(bytes, start + (this.#offsets[n] as number));
      readings.setRaw(indexes[n] as number, raw, time);
    }
    for (const { index, offset, mapping } of this.#texts) {
      readings.setText(index, decodeString(bytes, start + offset, mapping.registers, mapping.byteOrder), time);
    }
  }

  markStale(readings: Readings): void {
    for (const slot of this.slots) for (const { index } of slot.points) readings.setStale(index);
  }

  markBad(readings: Readings): void {
    for (const slot of this.slots) for (const { index } of slot.points) readings.setBad(index);
  }
}

/** How a number in registers is read. */
export function readDecoder(mapping: ModbusMapping): Decoder {
  if (mapping.bit !== undefined) return bitDecoderOf(mapping.bit, mapping.byteOrder);
  return decoderOf(mapping.dataType === 'string' ? 'uint16' : mapping.dataType, mapping.byteOrder);
}
