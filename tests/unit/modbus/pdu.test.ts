import assert from 'node:assert/strict';
import { checkResponse, readRequest, writeCoilsRequest, writeRegistersRequest } from '../../../protocols/modbus/pdu.js';

const check = (request: Uint8Array, ...answer: number[]) => {
  // With other bytes around, as in a buffer with several answers.
  const bytes = Uint8Array.of(9, 9, ...answer, 9);
  return checkResponse(17, request, bytes, 2, 2 + answer.length);
};

describe('modbus answers', () => {
  const registers = readRequest(3, 0x6b, 2);

  it('accepts the examples of the standard', () => {
    // Modbus Application Protocol V1.1b3, sections 6.1, 6.3 and 6.12.
    assert.equal(check(readRequest(1, 0x13, 19), 1, 3, 0xcd, 0x6b, 0x05), undefined);
    assert.equal(check(registers, 3, 4, 2, 0x2b, 0, 0), undefined);
    assert.equal(check(writeRegistersRequest(1, Uint8Array.of(0, 10, 1, 2)), 16, 0, 1, 0, 2), undefined);
  });

  it('builds the requests of the standard', () => {
    assert.deepEqual([...registers], [3, 0, 0x6b, 0, 2]);
    assert.deepEqual([...writeRegistersRequest(1, Uint8Array.of(0, 10, 1, 2))], [16, 0, 1, 0, 2, 4, 0, 10, 1, 2]);
    assert.deepEqual([...writeCoilsRequest(0x13, true)], [15, 0, 0x13, 0, 1, 1, 1]);
  });

  it('names exceptions, the unknown too', () => {
    assert.match(
      check(registers, 0x83, 2)?.message ?? '',
      /exception 2 \(illegal data address\) to unit 17, function 3/,
    );
    assert.match(check(registers, 0x83, 99)?.message ?? '', /exception 99 \(unknown exception\)/);
  });

  it('refuses what does not fit the request', () => {
    const wrong = [
      check(registers, 3, 2, 0, 1),
      check(registers, 3, 4, 0, 1, 0),
      check(registers, 4, 4, 0, 1, 0, 2),
      check(registers, 0x83),
      check(registers),
      check(readRequest(1, 0, 9), 1, 1, 0xff),
      check(writeRegistersRequest(1, Uint8Array.of(0, 1)), 16, 0, 1, 0, 2),
      check(writeRegistersRequest(1, Uint8Array.of(0, 1)), 16, 0, 1, 0),
    ];
    for (const error of wrong) assert.equal(error?.code, 'protocol.bad_response');
  });
});
