import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  REGISTERS,
  bitDecoderOf,
  decodeString,
  decoderOf,
  encodeNumber,
  encodeString,
  wirePositions,
} from '../../../protocols/modbus/codec.js';
import { ProtocolError } from '../../../protocols/driver.js';
import { BYTE_ORDERS, type ByteOrder } from '../../../site/model.js';

const NUMBERS = {
  uint16: fc.integer({ min: 0, max: 65_535 }),
  int16: fc.integer({ min: -32_768, max: 32_767 }),
  uint32: fc.integer({ min: 0, max: 4_294_967_295 }),
  int32: fc.integer({ min: -2_147_483_648, max: 2_147_483_647 }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 2048n }).map(Number),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1024n }).map(Number),
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  bcd16: fc.integer({ min: 0, max: 9_999 }),
  bcd32: fc.integer({ min: 0, max: 99_999_999 }),
  bool: fc.integer({ min: 0, max: 1 }),
} as const;
type NumberType = keyof typeof NUMBERS;

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

describe('modbus codec', () => {
  for (const type of Object.keys(NUMBERS) as NumberType[]) {
    it(`reads back every ${type} it encodes, in every order, at any offset`, () => {
      fc.assert(
        fc.property(NUMBERS[type], fc.constantFrom(...BYTE_ORDERS), fc.nat(5), (value, order, offset) => {
          const wire = encodeNumber(type, order, value);
          assert.equal(wire.length, REGISTERS[type] * 2);
          const response = new Uint8Array(offset + wire.length);
          response.set(wire, offset);
          const read = decoderOf(type, order)(response, offset);
          assert.ok(read === value, `${read} instead of ${value}`);
        }),
      );
    });
  }

  it('puts the bytes where each order says', () => {
    for (const order of BYTE_ORDERS) {
      const wire = wirePositions(order, order.length / 2);
      // The name of an order lists, in wire order, which byte of the value (A most significant) stands there.
      const expected = Array.from('ABCDEFGH'.slice(0, order.length), (letter) => order.indexOf(letter));
      assert.deepEqual(wire, expected, order);
    }
  });

  // Well-known encodings, worked out by hand or by the standards, so that both directions cannot be wrong alike.
  const known: [NumberType, ByteOrder, string, number][] = [
    ['uint16', 'AB', 'abcd', 0xabcd],
    ['uint16', 'BA', 'cdab', 0xabcd],
    ['int16', 'AB', 'fffe', -2],
    ['uint32', 'ABCD', '12345678', 0x12345678],
    ['uint32', 'DCBA', '78563412', 0x12345678],
    ['uint32', 'BADC', '34127856', 0x12345678],
    ['uint32', 'CDAB', '56781234', 0x12345678],
    ['int32', 'CDAB', 'fff6ffff', -10],
    ['float32', 'ABCD', '40490fdb', Math.fround(Math.PI)],
    ['float32', 'CDAB', '0fdb4049', Math.fround(Math.PI)],
    ['float64', 'ABCDEFGH', '400921fb54442d18', Math.PI],
    ['float64', 'HGFEDCBA', '182d4454fb210940', Math.PI],
    ['int64', 'ABCDEFGH', 'ffffffffffffffff', -1],
    ['int64', 'GHEFCDAB', '0000 0001 0000 0000', 65_536],
    ['uint64', 'BADCFEHG', '0000 0000 0100 0000', 65_536],
    ['bcd16', 'AB', '9876', 9876],
    ['bcd32', 'CDAB', '56781234', 12_345_678],
  ];
  for (const [type, order, hex, value] of known) {
    it(`${type} ${order} of ${hex} is ${value}`, () => {
      assert.equal(decoderOf(type, order)(bytes(hex), 0), value);
      assert.deepEqual(encodeNumber(type, order, value), bytes(hex));
    });
  }

  it('answers NaN for BCD digits above 9', () => {
    for (const hex of ['a000', '0b00', '00c0', '000f'])
      assert.ok(Number.isNaN(decoderOf('bcd16', 'AB')(bytes(hex), 0)));
    assert.ok(Number.isNaN(decoderOf('bcd32', 'ABCD')(bytes('1234123f'), 0)));
  });

  it('reads every bit of a register in both byte orders', () => {
    for (let bit = 0; bit < 16; bit++) {
      for (const order of ['AB', 'BA'] as const) {
        const wire = encodeNumber('uint16', order, 1 << bit);
        for (let other = 0; other < 16; other++) {
          assert.equal(bitDecoderOf(other, order)(wire, 0), other === bit ? 1 : 0);
        }
      }
    }
  });

  it('reads back texts, whole or cut at the first NUL', () => {
    const text = fc.string({ maxLength: 20, unit: 'grapheme-ascii' }).map((string) => string.trimEnd());
    fc.assert(
      fc.property(text, fc.constantFrom<ByteOrder>('AB', 'BA'), (string, order) => {
        assert.equal(decodeString(encodeString(string, 10, order), 0, 10, order), string);
      }),
    );
    assert.equal(decodeString(bytes('57523100'), 0, 2, 'AB'), 'WR1');
    assert.equal(decodeString(bytes('52570031'), 0, 2, 'BA'), 'WR1');
  });

  it('rounds for integer encodings', () => {
    assert.equal(decoderOf('int16', 'AB')(encodeNumber('int16', 'AB', -12.6), 0), -13);
    assert.equal(decoderOf('uint32', 'CDAB')(encodeNumber('uint32', 'CDAB', 0.4), 0), 0);
  });

  it('refuses what does not fit, saying what is allowed', () => {
    const tooBig: [NumberType, number][] = [
      ['uint16', 65_536],
      ['uint16', -1],
      ['int16', 32_768],
      ['uint32', 2 ** 32],
      ['int32', -(2 ** 31) - 1],
      ['uint64', 2 ** 64],
      ['int64', 2 ** 63],
      ['float32', 1e39],
      ['float64', Infinity],
      ['bcd16', 10_000],
      ['bcd32', 1e8],
      ['uint16', NaN],
    ];
    for (const [type, value] of tooBig) {
      assert.throws(
        () => encodeNumber(type, 'AB', value),
        (error: unknown) =>
          error instanceof ProtocolError &&
          error.code === 'protocol.value_out_of_range' &&
          error.category === 'invalid' &&
          error.message.includes('allowed'),
        `${type} ${value}`,
      );
    }
    assert.throws(() => encodeString('12345', 2, 'AB'), { code: 'protocol.value_out_of_range' });
  });
});
