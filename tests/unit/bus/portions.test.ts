import assert from 'node:assert/strict';
import { Portions } from '../../../bus/portions.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('portions', () => {
  it('call at once what is alone, and some of many in each turn of the event loop, in order', async () => {
    const portions = new Portions();
    const called: number[] = [];
    portions.add(() => called.push(0));
    assert.deepEqual(called, [0]);
    await turn();
    await turn();
    for (let n = 1; n <= 40; n++) portions.add(() => called.push(n));
    const counts = [called.length];
    for (let turns = 0; turns < 4; turns++) {
      await turn();
      counts.push(called.length);
    }
    assert.deepEqual(counts, [17, 33, 41, 41, 41]);
    assert.deepEqual(
      called,
      Array.from({ length: 41 }, (_, n) => n),
    );
  });

  it('go behind what waits already, also when they come from one that is called', async () => {
    const portions = new Portions();
    const called: string[] = [];
    for (let n = 0; n < 16; n++) portions.add(() => undefined);
    portions.add(() => {
      called.push('first');
      portions.add(() => called.push('third'));
    });
    portions.add(() => called.push('second'));
    await turn();
    await turn();
    assert.deepEqual(called, ['first', 'second', 'third']);
  });
});
