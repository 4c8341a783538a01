import assert from 'node:assert/strict';
import { headers as createHeaders } from '@nats-io/transport-node';
import fc from 'fast-check';
import { childTraceparent, decodeHeaders, encodeHeaders, HEADER, newTraceparent } from '../../../bus/headers.js';

describe('headers', () => {
  it('give back what was put in', () => {
    const text = fc.stringMatching(/^[A-Za-z0-9:_.\-/]{1,40}$/);
    const envelope = fc.record(
      {
        schema: fc.nat(),
        dedupId: text,
        traceparent: text,
        correlationId: text,
        commandId: text,
        replyTo: text,
        deadline: fc.integer({ min: 1, max: 4_102_444_800_000 }),
      },
      { requiredKeys: ['schema'] },
    );
    fc.assert(
      fc.property(envelope, (given) => assert.deepEqual({ ...decodeHeaders(encodeHeaders(given)) }, { ...given })),
    );
  });

  it('that are not there say schema 1 and nothing else', () => {
    assert.deepEqual(decodeHeaders(undefined), { schema: 1 });
    assert.deepEqual(decodeHeaders(createHeaders()), { schema: 1 });
  });

  it('with a deadline that is no time have none', () => {
    for (const wrong of ['soon', '-1', '0', 'NaN', '']) {
      const headers = createHeaders();
      headers.set(HEADER.deadline, wrong);
      assert.deepEqual(decodeHeaders(headers), { schema: 1 }, wrong);
    }
  });
});

describe('traceparent', () => {
  it('new: a sampled trace of its own', () => {
    assert.match(newTraceparent(), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.notEqual(newTraceparent(), newTraceparent());
  });

  it('child: the trace and flags of the parent, a span of its own', () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';
    const child = childTraceparent(parent);
    assert.match(child, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    assert.notEqual(child, parent);
    assert.notEqual(childTraceparent(parent), child);
  });

  it('child of none: a new trace', () => {
    const zeros = `00-${'0'.repeat(32)}-b7ad6b7169203331-01`;
    for (const wrong of [undefined, '', 'nonsense', zeros, '00-ABC-def-01']) {
      const child = childTraceparent(wrong);
      assert.match(child, /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
      assert.doesNotMatch(child, /-0{32}-/);
    }
  });
});
