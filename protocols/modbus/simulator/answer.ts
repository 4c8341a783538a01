import {
  EXCEPTION_FLAG,
  GATEWAY_TARGET_FAILED,
  ILLEGAL_DATA_VALUE,
  ILLEGAL_FUNCTION,
  MAX_BITS_PER_READ,
  MAX_BITS_PER_WRITE,
  MAX_REGISTERS_PER_READ,
  MAX_REGISTERS_PER_WRITE,
  readByteCount,
} from '../pdu.js';
import type { BankWrite, RegisterBank } from './bank.js';

/** A server's answer PDU to a request PDU, as a device does it (Modbus Application Protocol V1.1b3, section 6). */
export function answerTo(bank: RegisterBank | undefined, request: Uint8Array): Uint8Array {
  const functionCode = request[0] as number;
  // What a gateway says of a device that is not there.
  if (bank === undefined) return exception(functionCode, GATEWAY_TARGET_FAILED);
  if (bank.faults.exception !== undefined) return exception(functionCode, bank.faults.exception);
  if (functionCode >= 1 && functionCode <= 4) return answerRead(bank, functionCode, request);
  if (functionCode === 5 || functionCode === 6 || functionCode === 15 || functionCode === 16) {
    return answerWrite(bank, functionCode, request);
  }
  return exception(functionCode, ILLEGAL_FUNCTION);
}

function exception(functionCode: number, code: number): Uint8Array {
  return Uint8Array.of(functionCode | EXCEPTION_FLAG, code);
}

function wordAt(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] as number) << 8) | (bytes[offset + 1] as number);
}

function answerRead(bank: RegisterBank, functionCode: number, request: Uint8Array): Uint8Array {
  if (request.length !== 5) return exception(functionCode, ILLEGAL_DATA_VALUE);
  const address = wordAt(request, 1);
  const count = wordAt(request, 3);
  const most = Math.min(
    functionCode <= 2 ? MAX_BITS_PER_READ : MAX_REGISTERS_PER_READ,
    bank.faults.maxCount ?? MAX_BITS_PER_READ,
  );
  if (count < 1 || count > most) return exception(functionCode, ILLEGAL_DATA_VALUE);
  const bytes = readByteCount(functionCode, count);
  const answer = new Uint8Array(2 + bytes);
  answer[0] = functionCode;
  answer[1] = bytes;
  if (functionCode <= 2) {
    const table = functionCode === 1 ? bank.coils : bank.discrete;
    const refusal = table.exceptionAt(address, count);
    if (refusal !== 0) return exception(functionCode, refusal);
    for (let index = 0; index < count; index++) {
      if (table.get(address + index))
        answer[2 + (index >> 3)] = (answer[2 + (index >> 3)] as number) | (1 << (index & 7));
    }
    return answer;
  }
  const table = functionCode === 3 ? bank.holding : bank.input;
  const refusal = table.exceptionAt(address, count);
  if (refusal !== 0) return exception(functionCode, refusal);
  table.copyWire(address, count, answer, 2);
  return answer;
}

function answerWrite(bank: RegisterBank, functionCode: 5 | 6 | 15 | 16, request: Uint8Array): Uint8Array {
  const values = writtenValues(functionCode, request);
  if (values === undefined) return exception(functionCode, ILLEGAL_DATA_VALUE);
  const area = functionCode === 5 || functionCode === 15 ? 'coils' : 'holding';
  const address = wordAt(request, 1);
  const write: BankWrite = { functionCode, area, address, values };
  const refusal = bank[area].exceptionAt(address, values.length) || (bank.onWrite?.(write) ?? 0);
  if (refusal !== 0) return exception(functionCode, refusal);
  for (const [index, value] of values.entries()) {
    if (area === 'coils') bank.coils.set(address + index, value === 1);
    else bank.holding.setUint16(address + index, value);
  }
  return request.slice(0, 5);
}

/** Undefined when the request is malformed. */
function writtenValues(functionCode: 5 | 6 | 15 | 16, request: Uint8Array): number[] | undefined {
  if (functionCode === 5 || functionCode === 6) {
    if (request.length !== 5) return undefined;
    const value = wordAt(request, 3);
    if (functionCode === 6) return [value];
    return value === 0xff00 ? [1] : value === 0 ? [0] : undefined;
  }
  if (request.length < 6) return undefined;
  const count = wordAt(request, 3);
  const bytes = functionCode === 15 ? (count + 7) >> 3 : count * 2;
  const most = functionCode === 15 ? MAX_BITS_PER_WRITE : MAX_REGISTERS_PER_WRITE;
  if (count < 1 || count > most || request[5] !== bytes || request.length !== 6 + bytes) return undefined;
  return Array.from({ length: count }, (_, index) =>
    functionCode === 15 ? ((request[6 + (index >> 3)] as number) >> (index & 7)) & 1 : wordAt(request, 6 + index * 2),
  );
}
