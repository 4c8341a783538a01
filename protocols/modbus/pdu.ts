import { ProtocolError } from '../driver.js';

/** Names of the exception codes (Modbus Application Protocol V1.1b3, section 7). */
export const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  0x01: 'illegal function',
  0x02: 'illegal data address',
  0x03: 'illegal data value',
  0x04: 'server device failure',
  0x05: 'acknowledge',
  0x06: 'server device busy',
  0x08: 'memory parity error',
  0x0a: 'gateway path unavailable',
  0x0b: 'gateway target device failed to respond',
};
export const ILLEGAL_FUNCTION = 0x01;
export const ILLEGAL_DATA_ADDRESS = 0x02;
export const ILLEGAL_DATA_VALUE = 0x03;
export const SERVER_DEVICE_BUSY = 0x06;
export const GATEWAY_PATH_UNAVAILABLE = 0x0a;
export const GATEWAY_TARGET_FAILED = 0x0b;

/** Set in the function code of an answer that is an exception. */
export const EXCEPTION_FLAG = 0x80;
/** Largest PDU: 256 bytes of a serial frame less address and CRC. */
export const MAX_PDU = 253;
export const MAX_REGISTERS_PER_READ = 125;
export const MAX_BITS_PER_READ = 2000;
export const MAX_REGISTERS_PER_WRITE = 123;
export const MAX_BITS_PER_WRITE = 1968;

/** Request to read `count` bits (functions 1, 2) or registers (functions 3, 4). */
export function readRequest(functionCode: 1 | 2 | 3 | 4, address: number, count: number): Uint8Array {
  return Uint8Array.of(functionCode, address >> 8, address & 255, count >> 8, count & 255);
}

/** Request to set one coil (function 5). */
export function writeCoilRequest(address: number, on: boolean): Uint8Array {
  return Uint8Array.of(5, address >> 8, address & 255, on ? 0xff : 0, 0);
}

/** Request to set one register (function 6) to two wire bytes. */
export function writeRegisterRequest(address: number, wire: Uint8Array): Uint8Array {
  return Uint8Array.of(6, address >> 8, address & 255, wire[0] as number, wire[1] as number);
}

/** Request to set one coil with the function for many (15). */
export function writeCoilsRequest(address: number, on: boolean): Uint8Array {
  return Uint8Array.of(15, address >> 8, address & 255, 0, 1, 1, on ? 1 : 0);
}

/** Request to set registers (function 16) to wire bytes. */
export function writeRegistersRequest(address: number, wire: Uint8Array): Uint8Array {
  const count = wire.length / 2;
  return Uint8Array.of(16, address >> 8, address & 255, count >> 8, count & 255, wire.length, ...wire);
}

/** Bytes of data that a read answer must carry. */
export function readByteCount(functionCode: number, count: number): number {
  return functionCode <= 2 ? (count + 7) >> 3 : count * 2;
}

/**
 * Checks the answer PDU at `bytes[start, end)` against its request. Undefined when it is what was asked for: then a
 * read's data starts at `start + 2`.
 */
export function checkResponse(
  unitId: number,
  request: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): ProtocolError | undefined {
  const functionCode = request[0] as number;
  const length = end - start;
  if (bytes[start] === functionCode) {
    if (functionCode <= 4) {
      const expected = readByteCount(functionCode, (((request[3] as number) << 8) | (request[4] as number)) >>> 0);
      if (bytes[start + 1] === expected && length === expected + 2) return undefined;
      return badResponse(unitId, request, `carries ${length - 2} data bytes where ${expected} are due`);
    }
    // Writes echo function and address, then the value (5, 6) or the count (15, 16): the request's first five bytes.
    if (length !== 5) return badResponse(unitId, request, `has ${length} bytes where 5 are due`);
    for (let index = 1; index < 5; index++) {
      if (bytes[start + index] !== request[index]) return badResponse(unitId, request, 'echoes something else');
    }
    return undefined;
  }
  if (bytes[start] === (functionCode | EXCEPTION_FLAG) && length === 2) {
    return exceptionError(unitId, request, bytes[start + 1] as number);
  }
  return badResponse(unitId, request, `has function ${bytes[start] ?? 'missing'}`);
}

/** What a request was for, for errors. */
export function requestFacts(unitId: number, request: Uint8Array): Record<string, number> {
  const functionCode = request[0] as number;
  const second = ((request[3] as number) << 8) | (request[4] as number);
  return {
    unitId,
    functionCode,
    address: ((request[1] as number) << 8) | (request[2] as number),
    count: functionCode === 5 || functionCode === 6 ? 1 : second,
  };
}

function describe(unitId: number, request: Uint8Array): string {
  const { functionCode, address, count } = requestFacts(unitId, request);
  return `unit ${unitId}, function ${functionCode}, address ${address}, count ${count}`;
}

function exceptionError(unitId: number, request: Uint8Array, exception: number): ProtocolError {
  const name = EXCEPTION_NAMES[exception] ?? 'unknown exception';
  return new ProtocolError(
    'protocol.modbus_exception',
    `exception ${exception} (${name}) to ${describe(unitId, request)}`,
    { details: { exception, name, ...requestFacts(unitId, request) } },
  );
}

/** The exception code that an error carries, if it is one. */
export function exceptionOf(error: ProtocolError): number | undefined {
  if (error.code !== 'protocol.modbus_exception') return undefined;
  return error.details?.['exception'] as number;
}

/** Whether the device refuses these addresses, or this many at once. */
export function isAddressRefusal(error: ProtocolError): boolean {
  const exception = exceptionOf(error);
  return exception === ILLEGAL_DATA_ADDRESS || exception === ILLEGAL_DATA_VALUE;
}

/** An answer that does not fit its request. */
export function badResponse(unitId: number, request: Uint8Array, what: string): ProtocolError {
  return new ProtocolError('protocol.bad_response', `answer to ${describe(unitId, request)} ${what}`, {
    details: requestFacts(unitId, request),
  });
}

/** No answer in time. */
export function timeoutError(unitId: number, request: Uint8Array, timeoutMs: number): ProtocolError {
  return new ProtocolError('protocol.timeout', `no answer within ${timeoutMs} ms to ${describe(unitId, request)}`, {
    details: { timeoutMs, ...requestFacts(unitId, request) },
  });
}
