import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  formatRef,
  makeRef,
  parseRef,
  partitionOf,
  PARTITIONS,
  refOfCommand,
  subjects,
} from '../../../bus/subjects.js';

const id = fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/);
const kind = fc.stringMatching(/^[a-z][a-z0-9-]{0,63}$/);

describe('refs', () => {
  it('are read from their text', () => {
    fc.assert(
      fc.property(kind, id, (ofKind, ofId) => {
        assert.deepEqual(parseRef(formatRef(makeRef(ofKind, ofId))), { kind: ofKind, id: ofId });
      }),
    );
  });

  it('that could leave their subject are none', () => {
    const wrong = ['', 'channel', 'channel/', '/1', 'Channel/1', '1x/1', 'channel/a.b', 'channel/a/b', 'channel/*'];
    for (const text of [...wrong, 'channel/>', 'channel/a b', 'channel/é', `channel/${'x'.repeat(129)}`, 'a_b/1']) {
      assert.throws(() => parseRef(text), { code: 'actors.invalid_ref' }, text);
    }
  });
});

describe('partitions', () => {
  it('stay where they are: data folders depend on them', () => {
    const golden = { 'channel/1': 0, 'channel/1001': 3, 'counter/a': 31, 'mint-batch/2026-01-01': 7 };
    for (const [text, partition] of Object.entries(golden)) assert.equal(partitionOf(parseRef(text)), partition, text);
    assert.equal(PARTITIONS, 32);
  });

  it('share a thousand channels out about evenly', () => {
    const counts = new Array<number>(PARTITIONS).fill(0);
    for (let channel = 1; channel <= 3_200; channel++) {
      const partition = partitionOf({ kind: 'channel', id: String(channel) });
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    assert.ok(Math.min(...counts) > 50 && Math.max(...counts) < 150, counts.join(' '));
  });
});

describe('subjects', () => {
  it('are what outside clients know', () => {
    const ref = parseRef('counter/a');
    const partition = partitionOf(ref);
    assert.equal(subjects.command(ref), `cmd.${partition}.counter.a`);
    assert.equal(subjects.commandsOf(3), 'cmd.3.>');
    assert.equal(subjects.journal(ref), `evt.${partition}.counter.a`);
    assert.equal(subjects.journalOf(3, 'order'), 'evt.3.order.*');
    assert.equal(subjects.snapshot(ref), 'snap.counter.a');
    assert.equal(subjects.deadLetter(ref), 'dead.counter.a');
    assert.equal(subjects.frame(1001), `frame.${partitionOf(parseRef('channel/1001'))}.1001`);
    assert.equal(subjects.live(7), 'statewatt.live.7');
    assert.equal(subjects.live('*'), 'statewatt.live.*');
    assert.equal(subjects.query(3), 'statewatt.query.3');
    assert.equal(subjects.nodes('ps'), 'statewatt.nodes.ps');
  });

  it('of commands name their ref', () => {
    fc.assert(
      fc.property(kind, id, (ofKind, ofId) => {
        const ref = makeRef(ofKind, ofId);
        assert.deepEqual(refOfCommand(subjects.command(ref)), ref);
      }),
    );
  });

  it('of commands are refused in a foreign partition, and when they name no ref', () => {
    const ref = parseRef('counter/a');
    const foreign = `cmd.${(partitionOf(ref) + 1) % PARTITIONS}.counter.a`;
    assert.throws(() => refOfCommand(foreign), /belong on cmd\.\d+\.counter\.a, not on/);
    for (const wrong of ['cmd.1.counter', 'cmd.x.counter.a', 'evt.counter.a', 'cmd.1.Counter.a', 'cmd.1.counter.a$b']) {
      assert.throws(() => refOfCommand(wrong), { code: 'actors.invalid_ref' }, wrong);
    }
  });
});
