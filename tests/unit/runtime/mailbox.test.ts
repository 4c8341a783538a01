import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Mailbox } from '../../../actors/runtime/mailbox.js';

describe('Mailbox', () => {
  it('gives back in order what was put in, and refuses beyond its capacity', () => {
    const mailbox = new Mailbox<number>(2);
    assert.equal(mailbox.take(), undefined);
    assert.equal(mailbox.offer(1), true);
    assert.equal(mailbox.offer(2), true);
    assert.equal(mailbox.offer(3), false);
    assert.equal(mailbox.length, 2);
    assert.equal(mailbox.take(), 1);
    assert.equal(mailbox.offer(3), true);
    assert.deepEqual([mailbox.take(), mailbox.take(), mailbox.take()], [2, 3, undefined]);
    assert.equal(mailbox.length, 0);
  });

  it('never refuses the actor’s own events', () => {
    const mailbox = new Mailbox<number>(1);
    mailbox.push(1);
    mailbox.push(2);
    assert.equal(mailbox.offer(3), false);
    assert.equal(mailbox.length, 2);
  });

  it('behaves like a list for any order of use', () => {
    const use = fc.oneof(fc.constant('take' as const), fc.record({ offer: fc.nat() }), fc.record({ push: fc.nat() }));
    fc.assert(
      fc.property(fc.nat({ max: 5 }), fc.array(use), (capacity, uses) => {
        const mailbox = new Mailbox<number>(capacity);
        const list: number[] = [];
        for (const each of uses) {
          if (each === 'take') assert.equal(mailbox.take(), list.shift());
          else if ('push' in each) {
            mailbox.push(each.push);
            list.push(each.push);
          } else {
            const fits = list.length < capacity;
            assert.equal(mailbox.offer(each.offer), fits);
            if (fits) list.push(each.offer);
          }
          assert.equal(mailbox.length, list.length);
        }
      }),
    );
  });

  it('gives what was put back first, also when it was empty', () => {
    const mailbox = new Mailbox<string>(2);
    mailbox.offer('a');
    mailbox.offer('b');
    mailbox.putBack(mailbox.take() as string);
    assert.equal(mailbox.length, 2);
    assert.deepEqual([mailbox.take(), mailbox.take(), mailbox.take()], ['a', 'b', undefined]);
    mailbox.putBack('c');
    mailbox.offer('d');
    assert.deepEqual([mailbox.take(), mailbox.take(), mailbox.length], ['c', 'd', 0]);
  });
});
