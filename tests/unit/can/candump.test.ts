import assert from 'node:assert/strict';
import { parseCandump } from '../../../protocols/can/candump.js';

describe('lines of candump -L', () => {
  it('are frames', () => {
    assert.deepEqual(parseCandump('(1436509052.249713) vcan0 044#2A366C2BBA'), {
      time: 1436509052249.713,
      interface: 'vcan0',
      id: 0x44,
      extended: false,
      data: Uint8Array.of(0x2a, 0x36, 0x6c, 0x2b, 0xba),
    });
    assert.deepEqual(parseCandump('(0000000000.000000)  can1  00000044#'), {
      time: 0,
      interface: 'can1',
      id: 0x44,
      extended: true,
      data: new Uint8Array(0),
    });
    const fd = parseCandump(`(1.5) can0 1FFFFFFF##3${'ab'.repeat(64)}`);
    assert.ok(typeof fd === 'object');
    assert.deepEqual([fd.id, fd.data.length, fd.data[63]], [0x1fffffff, 64, 0xab]);
    for (const line of ['(1.0) can0 123#0102 R', '(1.0) can0 123#0102030405060708_A', '(1.0) can0 123#0102\r'])
      assert.ok(typeof parseCandump(line) === 'object', line);
  });

  it('may be frames without data of a sender', () => {
    for (const line of ['(1.0) can0 123#R', '(1.0) can0 123#R8', '(1.0) can0 20000004#0000000000000000'])
      assert.equal(parseCandump(line), 'none', line);
  });

  it('are nothing when they are of another form', () => {
    for (const line of [
      '',
      'can0  044  [5]  2A 36 6C 2B BA',
      '(1.0) can0 44#00',
      '(1.0) can0 123#0',
      '(1.0) can0 123#0102030405060708AA',
      '(1.0) can0 123#XX',
      `(1.0) can0 123##0${'00'.repeat(65)}`,
      '(x) can0 123#00',
    ])
      assert.equal(parseCandump(line), undefined, line);
  });
});
