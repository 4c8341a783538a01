import type { Attributes, AttributeValue, HrTime, SpanContext } from '@opentelemetry/api';
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base';

/**
 * Spans of one process as the body of an export request: ExportTraceServiceRequest of opentelemetry-proto 1.x in OTLP's
 * JSON encoding (ids in hexadecimal, 64-bit numbers as text, enums as numbers).
 */
export function toOtlpJson(spans: readonly ReadableSpan[]): string {
  const [first] = spans;
  if (first === undefined) return '{"resourceSpans":[]}';
  const scopes = new Map<string, ReadableSpan[]>();
  for (const span of spans) {
    const { name, version = '' } = span.instrumentationScope;
    const key = `${name}@${version}`;
    const scope = scopes.get(key);
    if (scope === undefined) scopes.set(key, [span]);
    else scope.push(span);
  }
  return JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: keyValues(first.resource.attributes) },
        scopeSpans: [...scopes.values()].map((members) => ({
          scope: members[0]?.instrumentationScope,
          spans: members.map(wireSpan),
        })),
      },
    ],
  });
}

function wireSpan(span: ReadableSpan): object {
  const context = span.spanContext();
  const parent = span.parentSpanContext;
  return {
    ...ids(context),
    ...(parent === undefined ? {} : { parentSpanId: parent.spanId }),
    flags: flags(context, parent),
    name: span.name,
    kind: span.kind + 1, // 0 is "unspecified" there.
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos(span.endTime),
    attributes: keyValues(span.attributes),
    droppedAttributesCount: span.droppedAttributesCount,
    events: span.events.map(({ name, time, attributes = {}, droppedAttributesCount = 0 }) => ({
      name,
      timeUnixNano: nanos(time),
      attributes: keyValues(attributes),
      droppedAttributesCount,
    })),
    droppedEventsCount: span.droppedEventsCount,
    links: span.links.map(({ context: linked, attributes = {}, droppedAttributesCount = 0 }) => ({
      ...ids(linked),
      flags: flags(linked, linked),
      attributes: keyValues(attributes),
      droppedAttributesCount,
    })),
    droppedLinksCount: span.droppedLinksCount,
    status: span.status, // The same numbers in both.
  };
}

function ids({ traceId, spanId, traceState }: SpanContext): object {
  return { traceId, spanId, ...(traceState === undefined ? {} : { traceState: traceState.serialize() }) };
}

/** W3C's trace flags; above them, that it is known whether `from` is of another process (bit 8), and that it is (bit 9). */
function flags({ traceFlags }: SpanContext, from: SpanContext | undefined): number {
  return traceFlags | 0x100 | (from?.isRemote === true ? 0x200 : 0);
}

function nanos([seconds, nanoseconds]: HrTime): string {
  return String(BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds));
}

function keyValues(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  );
}

function anyValue(value: AttributeValue | null | undefined): object {
  if (typeof value === 'string') return { stringValue: value };
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return { intValue: String(value) };
    return { doubleValue: Number.isFinite(value) ? value : String(value) };
  }
  return Array.isArray(value) ? { arrayValue: { values: value.map(anyValue) } } : {};
}
