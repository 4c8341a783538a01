import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type AttributeValue,
  type Context,
  type ContextManager,
  type Span,
  type SpanContext,
  type SpanStatus,
} from '@opentelemetry/api';

/** A span that a test looks at. */
export class KeptSpan implements Span {
  readonly attributes: Attributes;
  status: SpanStatus = { code: SpanStatusCode.UNSET };
  ended = false;
  readonly name: string;
  readonly kind: SpanKind;
  readonly parentSpanId: string | undefined;
  readonly #context: SpanContext;

  constructor(name: string, kind: SpanKind, attributes: Attributes, parent: SpanContext | undefined) {
    this.name = name;
    this.kind = kind;
    this.attributes = { ...attributes };
    this.parentSpanId = parent?.spanId;
    this.#context = {
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      traceFlags: parent?.traceFlags ?? TraceFlags.SAMPLED,
    };
  }

  get traceId(): string {
    return this.#context.traceId;
  }
  get spanId(): string {
    return this.#context.spanId;
  }
  spanContext(): SpanContext {
    return this.#context;
  }
  isRecording(): boolean {
    return !this.ended;
  }
  setAttribute(key: string, value: AttributeValue): this {
    this.attributes[key] = value;
    return this;
  }
  setAttributes(attributes: Attributes): this {
    Object.assign(this.attributes, attributes);
    return this;
  }
  setStatus(status: SpanStatus): this {
    this.status = status;
    return this;
  }
  end(): void {
    this.ended = true;
  }
  addEvent(): this {
    return this;
  }
  addLink(): this {
    return this;
  }
  addLinks(): this {
    return this;
  }
  updateName(): this {
    return this;
  }
  recordException(): void {
    // Nothing here looks at exceptions.
  }
}

/** An OpenTelemetry SDK for tests: keeps every span. `stop` takes it out of the process again. */
export function keepSpans(): { readonly spans: KeptSpan[]; named(name: string): KeptSpan; stop(): void } {
  const spans: KeptSpan[] = [];
  const tracer = {
    startSpan(name: string, { kind = SpanKind.INTERNAL, attributes = {} } = {}, parent: Context = context.active()) {
      const span = new KeptSpan(name, kind, attributes, trace.getSpanContext(parent));
      spans.push(span);
      return span;
    },
    startActiveSpan(): never {
      throw new Error('not used');
    },
  };
  trace.setGlobalTracerProvider({ getTracer: () => tracer });
  context.setGlobalContextManager(asyncContexts());
  return {
    spans,
    named(name) {
      const found = spans.filter((span) => span.name === name);
      if (found.length !== 1) {
        throw new Error(`${found.length} spans named "${name}" of: ${spans.map((span) => span.name).join(', ')}`);
      }
      return found[0] as KeptSpan;
    },
    stop() {
      trace.disable();
      context.disable();
    },
  };
}

function asyncContexts(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, thisArg, ...args) => storage.run(active, () => work.call(thisArg as never, ...args)),
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
