import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createGunzip } from 'node:zlib';

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number | string; readonly boolValue?: boolean };
}
/** A span as OTLP/HTTP has it in JSON (opentelemetry-proto, trace/v1). */
interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
}
interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

/** A span that has arrived, with the facts of the process that it came from. */
export interface ReceivedSpan extends Omit<WireSpan, 'attributes'> {
  readonly attributes: ReadonlyMap<string, unknown>;
  readonly resource: ReadonlyMap<string, unknown>;
}

/** A receiver of traces over OTLP/HTTP in JSON. */
export interface OtlpReceiver {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
  /** Of each request. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** What it answers from now on; default 200. undefined: nothing, ever. */
  answer(status: number | undefined): void;
  /** Names of a span and of all above it, up to the root. */
  pathOf(span: ReceivedSpan): string[];
  close(): Promise<void>;
}

/** Listens on a free port of 127.0.0.1. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: ReceivedSpan[] = [];
  const headers: IncomingHttpHeaders[] = [];
  let status: number | undefined = 200;
  const server = createServer((request, response) => {
    headers.push(request.headers);
    if (status === undefined) return;
    const answered = status;
    const text = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request;
    void json(text).then((body) => {
      if (answered === 200 && request.url === '/v1/traces') spans.push(...received(body as Export));
      response.writeHead(answered, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const pathOf = (span: ReceivedSpan): string[] => {
    const parent = spans.find(({ spanId }) => spanId === span.parentSpanId);
    return [span.name, ...(parent === undefined ? [] : pathOf(parent))];
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    headers,
    answer: (next) => (status = next),
    pathOf,
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function received({ resourceSpans }: Export): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...span,
        attributes: values(span.attributes),
        resource: values(resource.attributes),
      })),
    ),
  );
}

function values(attributes: readonly Attribute[]): ReadonlyMap<string, unknown> {
  return new Map(attributes.map(({ key, value }) => [key, Object.values(value)[0]]));
}
