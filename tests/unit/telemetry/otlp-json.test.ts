import assert from 'node:assert/strict';
import { SpanKind, SpanStatusCode, type AttributeValue } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { toOtlpJson } from '../../../telemetry/otlp-json.js';
import { contextOf } from '../../../telemetry/spans.js';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('spans in the JSON of OTLP', () => {
  const memory = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'x' }),
    spanProcessors: [new SimpleSpanProcessor(memory)],
  });
  const wire = () => JSON.parse(toOtlpJson(memory.getFinishedSpans())) as { resourceSpans: Record<string, unknown>[] };

  beforeEach(() => memory.reset());

  it('are whole: ids, parent, kind, times, status, events, links', () => {
    const tracer = provider.getTracer('statewatt');
    const parent = contextOf(`00-${TRACE}-b7ad6b7169203331-01`);
    const span = tracer.startSpan('ask a.b', { kind: SpanKind.CLIENT, startTime: [1_750_000_000, 5] }, parent);
    const linked = { traceId: TRACE, spanId: 'b7ad6b7169203331', traceFlags: 1 };
    span.addLink({ context: linked, attributes: { of: 'it' } });
    span.addEvent('seen', { times: 2 }, [1_750_000_000, 6]);
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'bad' });
    span.end([1_750_000_001, 7]);
    const { spanId } = span.spanContext();
    assert.deepEqual(wire(), {
      resourceSpans: [
        {
          resource: { attributes: [{ key: 'service.name', value: { stringValue: 'x' } }] },
          scopeSpans: [
            {
              scope: { name: 'statewatt' },
              spans: [
                {
                  traceId: TRACE,
                  spanId,
                  parentSpanId: 'b7ad6b7169203331',
                  flags: 0x301,
                  name: 'ask a.b',
                  kind: 3,
                  startTimeUnixNano: '1750000000000000005',
                  endTimeUnixNano: '1750000001000000007',
                  attributes: [],
                  droppedAttributesCount: 0,
                  events: [
                    {
                      name: 'seen',
                      timeUnixNano: '1750000000000000006',
                      attributes: [{ key: 'times', value: { intValue: '2' } }],
                      droppedAttributesCount: 0,
                    },
                  ],
                  droppedEventsCount: 0,
                  links: [
                    {
                      traceId: TRACE,
                      spanId: 'b7ad6b7169203331',
                      flags: 0x101,
                      attributes: [{ key: 'of', value: { stringValue: 'it' } }],
                      droppedAttributesCount: 0,
                    },
                  ],
                  droppedLinksCount: 0,
                  status: { code: 2, message: 'bad' },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  for (const [value, expected] of [
    ['text', { stringValue: 'text' }],
    [true, { boolValue: true }],
    [-3, { intValue: '-3' }],
    [1.5, { doubleValue: 1.5 }],
    [2 ** 60, { doubleValue: 2 ** 60 }],
    [NaN, { doubleValue: 'NaN' }],
    [-Infinity, { doubleValue: '-Infinity' }],
    [['a', 'b'], { arrayValue: { values: [{ stringValue: 'a' }, { stringValue: 'b' }] } }],
    [[1, null], { arrayValue: { values: [{ intValue: '1' }, {}] } }],
  ] as [AttributeValue, object][]) {
    it(`hold the attribute ${JSON.stringify(value)} (${String(value)})`, () => {
      provider.getTracer('statewatt').startSpan('s', { attributes: { value } }).end();
      assert.ok(JSON.stringify(wire()).includes(JSON.stringify([{ key: 'value', value: expected }])));
    });
  }

  it('stand below the scope that made them', () => {
    for (const [name, version] of [['a'], ['b', '1'], ['a']] as [string, string?][]) {
      provider.getTracer(name, version).startSpan('s').end();
    }
    const [{ scopeSpans } = { scopeSpans: [] }] = wire().resourceSpans as [
      { scopeSpans: { scope: object; spans: [] }[] },
    ];
    assert.deepEqual(
      scopeSpans.map(({ scope, spans }) => [scope, spans.length]),
      [
        [{ name: 'a' }, 2],
        [{ name: 'b', version: '1' }, 1],
      ],
    );
  });

  it('may be none; a root has no parent', () => {
    assert.equal(toOtlpJson([]), '{"resourceSpans":[]}');
    provider.getTracer('a').startSpan('root').end();
    assert.ok(!toOtlpJson(memory.getFinishedSpans()).includes('parentSpanId'));
  });
});
