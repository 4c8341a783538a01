import assert from 'node:assert/strict';
import { parseRef } from '../../../bus/subjects.js';
import { codecs, parseJson, topics, type Topic } from '../../../bus/topics.js';
import type { Frame } from '../../../site/points.js';

const ref = parseRef('counter/a');

const frame: Frame = {
  channel: 1,
  epoch: 1,
  time: 1,
  seq: 1,
  keys: new Uint32Array(),
  values: new Float64Array(),
  quality: new Uint8Array(),
};

function encode<T>(topic: Topic<T>, payload: T): Uint8Array {
  return topic.codec.encode(payload);
}

/** Never run: what must compile, and what must not. An expectation that no longer holds is a compiler error. */
export function compileTimeOnly(): void {
  encode(topics.frame(1), frame);
  encode(topics.command(ref), { type: 'add', by: 1 });
  encode(topics.answer('inbox'), { ok: true, reply: 1 });
  // @ts-expect-error an event is no frame
  topics.frame(1).codec.encode({ type: 'add' });
  // @ts-expect-error a frame is no command
  topics.command(ref).codec.encode(frame);
  // @ts-expect-error a command has a type
  topics.command(ref).codec.encode({ by: 1 });
  // @ts-expect-error a refusal has an error
  topics.answer('inbox').codec.encode({ ok: false });
  // @ts-expect-error a journal entry has a time
  topics.journal(ref).codec.encode({ event: { type: 'add' }, effects: [], machine: 1, traceparent: '', node: 'n' });
  // @ts-expect-error a snapshot is no journal entry
  topics.snapshot(ref).codec.encode({ event: { type: 'add' } });
}

describe('topics', () => {
  it('put each payload on its subject, and give it back', () => {
    const event = { type: 'add', by: 1 };
    const command = topics.command(ref);
    assert.match(command.subject, /^cmd\.\d+\.counter\.a$/);
    assert.deepEqual(command.codec.decode(command.codec.encode(event)), event);
    assert.match(topics.journal(ref).subject, /^evt\.\d+\.counter\.a$/);
    assert.equal(topics.snapshot(ref).subject, 'snap.counter.a');
    assert.equal(topics.deadLetter(ref).subject, 'dead.counter.a');
    assert.equal(topics.answer('inbox.1').subject, 'inbox.1');
    const frames = topics.frame(1);
    assert.deepEqual(frames.codec.decode(frames.codec.encode(frame)), frame);
    assert.deepEqual(
      Object.values(codecs).map(({ schema }) => schema),
      [1, 1, 1, 1, 1, 1],
    );
  });

  it('say what is no JSON, also in the middle of a buffer', () => {
    assert.throws(() => parseJson(Buffer.from('{"type":')), { code: 'bus.bad_payload' });
    assert.deepEqual(parseJson(Buffer.from('xx{"a":1}xx').subarray(2, 9)), { a: 1 });
  });
});
