import type { ModbusMapping } from '../../site/model.js';
import type { PointDefinition } from '../../site/points.js';
import { Readings } from '../../site/readings.js';
import { ProtocolError, type WriteOutcome } from '../driver.js';
import { invalidValue, nameOf, rawNumber } from '../write-value.js';
import { encodeNumber, encodeString, wirePositions } from './codec.js';
import type { Line } from './link.js';
import {
  EXCEPTION_NAMES,
  exceptionOf,
  readRequest,
  writeCoilRequest,
  writeCoilsRequest,
  writeRegisterRequest,
  writeRegistersRequest,
} from './pdu.js';
import { Block, lengthOf, type ReadFunction } from './plan.js';

/** A write that was checked, and needs only the device. */
export interface PreparedWrite {
  readonly point: PointDefinition;
  readonly mapping: ModbusMapping;
  /** What the point's registers (two bytes each) or its coil (one byte, 0 or 1) shall hold. */
  readonly wire: Uint8Array;
}

/**
 * Checks a write and encodes its value.
 * @throws ProtocolError `protocol.read_only`, `protocol.invalid_value`, `protocol.value_out_of_range`
 */
export function prepareWrite(
  point: PointDefinition,
  mapping: ModbusMapping | undefined,
  value: number | string,
): PreparedWrite {
  if (mapping?.writeFunctionCode === undefined || (point.kind !== 'C' && point.kind !== 'A')) {
    throw new ProtocolError(
      'protocol.read_only',
      `${nameOf(point)} cannot be written: it is no C or A point with a function to write it`,
      { fatal: true },
    );
  }
  if (mapping.writeFunctionCode === 5 || mapping.writeFunctionCode === 15) {
    return { point, mapping, wire: Uint8Array.of(rawNumber(point, value) === 0 ? 0 : 1) };
  }
  if (mapping.bit !== undefined) {
    const raw = rawNumber(point, value) === 0 ? 0 : 1;
    return { point, mapping, wire: encodeNumber('uint16', mapping.byteOrder, raw << mapping.bit) };
  }
  if (mapping.dataType === 'string') {
    if (typeof value !== 'string') throw invalidValue(point, value, 'a text');
    return { point, mapping, wire: encodeString(value, mapping.registers, mapping.byteOrder) };
  }
  const raw = rawNumber(point, value);
  return { point, mapping, wire: encodeNumber(mapping.dataType, mapping.byteOrder, raw) };
}

/**
 * Sends a write, once, and reads it back. A single bit of a register is set in what the register holds at that moment.
 * @throws ProtocolError with the device's refusal, `protocol.timeout` (it is not known whether the device took it);
 * LinkError when the link is lost before the device answers
 */
export async function writePoint(line: Line, { point, mapping, wire }: PreparedWrite): Promise<WriteOutcome> {
  const sent = mapping.bit === undefined || isCoilWrite(mapping) ? wire : await withBit(line, mapping, wire);
  const roundTripMs = await exchange(line, mapping.unitId, writeRequest(mapping, sent), () => undefined);
  let held: Uint8Array | undefined;
  let answer = 'ok';
  try {
    held = await readWire(line, mapping, mapping.functionCode);
  } catch (error) {
    // The device took the write; that it cannot be read back is part of the outcome.
    if (!(error instanceof ProtocolError)) throw error;
    const exception = exceptionOf(error);
    answer = `ok, but not read back: ${exception === undefined ? error.message : (EXCEPTION_NAMES[exception] ?? `exception ${exception}`)}`;
  }
  const written = inUnits(point, mapping, sent) ?? NaN;
  const readBack = held === undefined ? null : inUnits(point, mapping, held);
  const confirmed = readBack !== null && Object.is(written, readBack);
  return { written, readBack, confirmed, answer, roundTripMs };
}

function isCoilWrite(mapping: ModbusMapping): boolean {
  return mapping.writeFunctionCode === 5 || mapping.writeFunctionCode === 15;
}

function writeRequest(mapping: ModbusMapping, wire: Uint8Array): Uint8Array {
  if (mapping.writeFunctionCode === 5) return writeCoilRequest(mapping.address, wire[0] === 1);
  if (mapping.writeFunctionCode === 15) return writeCoilsRequest(mapping.address, wire[0] === 1);
  // Function 6 sets one register; a longer value must arrive whole.
  if (mapping.writeFunctionCode === 6 && wire.length === 2) return writeRegisterRequest(mapping.address, wire);
  return writeRegistersRequest(mapping.address, wire);
}

/** The register of a bit as it is now, with the bit as `wanted` has it. */
async function withBit(line: Line, mapping: ModbusMapping, wanted: Uint8Array): Promise<Uint8Array> {
  const register = await readWire(line, mapping, 3);
  const bit = mapping.bit as number;
  const [high, low] = wirePositions(mapping.byteOrder, 1) as [number, number];
  const position = bit < 8 ? low : high;
  const mask = 1 << (bit & 7);
  register[position] = ((register[position] as number) & ~mask) | ((wanted[position] as number) & mask);
  return register;
}

/** What the point's addresses hold: wire bytes of registers, or one byte of a coil. */
async function readWire(line: Line, mapping: ModbusMapping, functionCode: ReadFunction): Promise<Uint8Array> {
  let wire = new Uint8Array(0);
  const request = readRequest(functionCode, mapping.address, lengthOf(mapping));
  await exchange(line, mapping.unitId, request, (bytes, start) => {
    wire = bytes.slice(start + 2, start + 2 + (bytes[start + 1] as number));
  });
  return wire;
}

/** Wire bytes as the point's value; null when they make none. */
function inUnits(point: PointDefinition, mapping: ModbusMapping, wire: Uint8Array): number | string | null {
  const now = new Readings([point]);
  const slot = { address: mapping.address, length: lengthOf(mapping), points: [{ index: 0, offset: 0, mapping }] };
  new Block(mapping.unitId, mapping.functionCode, [slot]).store(wire, 0, now, 1);
  const value = now.texts.get(0) ?? (now.values[0] as number);
  return typeof value === 'number' && Number.isNaN(value) ? null : value;
}

/** One request; answers its round-trip time in ms. `use` gets the answer PDU. */
function exchange(
  line: Line,
  unitId: number,
  pdu: Uint8Array,
  use: (bytes: Uint8Array, start: number) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    line.request({
      unitId,
      pdu,
      done: (error, bytes, start, roundTripMs) => {
        if (error === undefined) {
          use(bytes, start);
          resolve(roundTripMs);
        } else reject(error);
      },
    });
  });
}
