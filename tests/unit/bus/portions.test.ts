import assert from 'node:assert/strict';
import { Portions } from '../../../bus/portions.js';
import { eventually } from '../../support/temp.js';

const all = (called: readonly unknown[], count: number) =>
  eventually(() => (called.length === count ? true : undefined), { within: 20_000, what: `${count} calls` });

describe('portions', () => {
  it('are called in order, also what comes from one that is called', async () => {
    const portions = new Portions();
    const called: number[] = [];
    for (let n = 0; n < 40; n++) {
      portions.add(() => {
        called.push(n);
        if (n === 20) portions.add(() => called.push(40));
      });
    }
    assert.equal(called.length, 0, 'not at once');
    await all(called, 41);
    assert.deepEqual(
      called,
      Array.from({ length: 41 }, (_, n) => n),
    );
    portions.add(() => called.push(41));
    await all(called, 42);
  });

  it('let others have their turns when they take long', async () => {
    const portions = new Portions();
    const called: string[] = [];
    const long = (name: string) => () => {
      called.push(name);
      for (const end = performance.now() + 1; performance.now() < end;);
    };
    setImmediate(() => called.push('other'));
    for (let n = 0; n < 20; n++) portions.add(long(String(n)));
    await all(called, 21);
    assert.ok(called.indexOf('other') <= 8, called.join());
  });
});
