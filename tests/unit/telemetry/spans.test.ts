import assert from 'node:assert/strict';
import { context, ROOT_CONTEXT, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import {
  contextOf,
  failSpan,
  liveContext,
  liveTraceparent,
  logFacts,
  spanning,
  traceparentOf,
  tracer,
  within,
} from '../../../telemetry/spans.js';
import { StatewattError } from '../../../errors/error.js';
import { keepSpans, type KeptSpan } from '../../support/spans.js';

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a traceparent', () => {
  it('gives a context, and the other way round', () => {
    const found = trace.getSpanContext(contextOf(TRACEPARENT));
    assert.deepEqual(found, {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      traceFlags: TraceFlags.SAMPLED,
      isRemote: true,
    });
    assert.equal(traceparentOf(trace.wrapSpanContext(found)), TRACEPARENT);
    const unsampled = `${TRACEPARENT.slice(0, -2)}00`;
    assert.equal(traceparentOf(trace.getSpan(contextOf(unsampled))), unsampled);
  });

  it('that is none gives the root', () => {
    const zeros = `00-${'0'.repeat(32)}-b7ad6b7169203331-01`;
    for (const wrong of [undefined, '', 'x', zeros, `${TRACEPARENT} `, TRACEPARENT.toUpperCase()]) {
      assert.equal(contextOf(wrong), ROOT_CONTEXT, wrong);
    }
    assert.equal(traceparentOf(undefined), undefined);
    assert.equal(traceparentOf(trace.wrapSpanContext({ traceId: '0', spanId: '0', traceFlags: 0 })), undefined);
  });
});

describe('without an SDK', () => {
  it('there are no spans, and work is only done', async () => {
    assert.equal(tracer(), undefined);
    assert.equal(await spanning(undefined, () => 7), 7);
    assert.equal(
      within(undefined, () => 8),
      8,
    );
    assert.equal(liveTraceparent(), undefined);
    assert.deepEqual(logFacts(), {});
    failSpan(undefined, new Error('no matter'));
  });
});

describe('with an SDK', () => {
  let kept: ReturnType<typeof keepSpans>;
  const start = (name: string): KeptSpan => tracer()?.startSpan(name, {}, liveContext()) as KeptSpan;
  beforeEach(() => {
    kept = keepSpans();
  });
  afterEach(() => kept.stop());

  it('what is begun within a span is its child, also after a wait', async () => {
    const outer = start('outer');
    await spanning(outer, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(start('inner').parentSpanId, outer.spanId);
      assert.deepEqual(logFacts(), { trace_id: outer.traceId, span_id: outer.spanId });
      assert.equal(liveTraceparent(), traceparentOf(outer));
    });
    assert.ok(outer.ended);
  });

  it('what a span left behind when it ended begins a trace of its own', () => {
    const span = start('span');
    within(span, () => {
      span.end();
      assert.equal(liveContext(), ROOT_CONTEXT);
      assert.equal(liveTraceparent(), undefined);
      assert.notEqual(start('later').traceId, span.traceId);
    });
  });

  it('the parent of another process, and one that is not sampled, stay parents', () => {
    for (const traceparent of [TRACEPARENT, `${TRACEPARENT.slice(0, -2)}00`]) {
      context.with(contextOf(traceparent), () => assert.equal(liveTraceparent(), traceparent));
    }
  });

  it('an error is noted by its code or its name, ends the span, and is thrown on', async () => {
    const cases: [unknown, string, string][] = [
      [new StatewattError('some.code', 'busy', 'try later'), 'some.code', 'try later'],
      [new TypeError('wrong'), 'TypeError', 'wrong'],
      ['a text', 'unknown', 'a text'],
    ];
    for (const [thrown, type, message] of cases) {
      const span = start(type);
      await assert.rejects(
        spanning(span, () => Promise.reject(thrown as Error)),
        (error) => error === thrown,
      );
      assert.equal(span.attributes['error.type'], type);
      assert.deepEqual(span.status, { code: SpanStatusCode.ERROR, message });
      assert.ok(span.ended);
    }
  });

  it('an error after the end is not noted', () => {
    const span = start('span');
    span.end();
    failSpan(span, new Error('late'));
    assert.deepEqual(span.status, { code: SpanStatusCode.UNSET });
  });
});
