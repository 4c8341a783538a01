import {
  context,
  isSpanContextValid,
  ProxyTracerProvider,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';

/** The instrumentation scope of every span of this package. */
const SCOPE = 'statewatt';
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/**
 * What makes spans; undefined when the process has no OpenTelemetry SDK. So `tracer()?.startSpan(…)` costs one look-up
 * then, and its arguments are not made.
 */
export function tracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider ? provider.getDelegateTracer(SCOPE) : provider.getTracer(SCOPE);
}

/** The context of a W3C traceparent (Trace Context, level 1) that came with a message; the root for anything else. */
export function contextOf(traceparent: string | undefined): Context {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent ?? '') ?? [];
  const spanContext: SpanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
  return isSpanContextValid(spanContext) ? trace.setSpanContext(ROOT_CONTEXT, spanContext) : ROOT_CONTEXT;
}

/**
 * The context of what runs now. A span that has ended is nobody's parent: what it left behind, a loop or a timer, begins
 * traces of its own.
 */
export function liveContext(): Context {
  const active = context.active();
  const span = trace.getSpan(active);
  if (span === undefined || span.isRecording()) return active;
  const { traceFlags, isRemote } = span.spanContext();
  const ended = (traceFlags & TraceFlags.SAMPLED) !== 0 && isRemote !== true;
  return ended ? ROOT_CONTEXT : active;
}

/** The W3C traceparent of a span; undefined without a span, or for one of a suppressed trace. */
export function traceparentOf(span: Span | undefined): string | undefined {
  const spanContext = span?.spanContext();
  if (spanContext === undefined || !isSpanContextValid(spanContext)) return undefined;
  const flags = spanContext.traceFlags.toString(16).padStart(2, '0');
  return `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`;
}

/** The traceparent of what runs now; undefined when it belongs to no trace. */
export function liveTraceparent(): string | undefined {
  return traceparentOf(trace.getSpan(liveContext()));
}

/** Runs `work` with the span as the parent of what it begins. */
export function within<T>(span: Span | undefined, work: () => T): T {
  return span === undefined ? work() : context.with(trace.setSpan(context.active(), span), work);
}

/** Runs `work` within the span and ends it; what it throws is noted and thrown on. */
export async function spanning<T>(span: Span | undefined, work: () => Promise<T> | T): Promise<T> {
  if (span === undefined) return work();
  try {
    return await within(span, work);
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Marks a span as failed: `error.type` is the error's stable code, or its name. */
export function failSpan(span: Span | undefined, thrown: unknown): void {
  // Told after its end, as the late answer to a command is: nobody can note it any more.
  if (span === undefined || !span.isRecording()) return;
  const { code, name, message } = thrown as { code?: unknown; name?: unknown; message?: unknown };
  const type = typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: typeof message === 'string' ? message : String(thrown) });
}

/** The ids of what runs now, for a line of the log; nothing when it belongs to no trace. */
export function logFacts(): { readonly trace_id?: string; readonly span_id?: string } {
  const spanContext = trace.getSpanContext(context.active());
  if (spanContext === undefined || !isSpanContextValid(spanContext)) return {};
  return { trace_id: spanContext.traceId, span_id: spanContext.spanId };
}
