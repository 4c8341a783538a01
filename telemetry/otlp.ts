import { context, diag, DiagLogLevel, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { OtlpExporter, type OtlpExporterOptions } from './otlp-exporter.js';
import { tracer } from './spans.js';

export interface TraceExportOptions extends Omit<OtlpExporterOptions, 'onRecovery'> {
  /** Version of the product. */
  readonly version: string;
  /** Name of the node, unique among the nodes. */
  readonly node: string;
  readonly onRecovery: (text: string) => void;
}

export interface TraceExport {
  /** Sends what waits, for at most 2 s; from then on nothing makes spans. Safe to call twice. */
  readonly stop: () => Promise<void>;
}

/** What an orderly stop waits for the last spans to be taken. */
const FLUSH_MS = 2_000;

/**
 * Starts an OpenTelemetry SDK in this process that sends spans over OTLP/HTTP. Sampler, batches, limits and resource are
 * as the SDK's standard variables say (OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES …).
 * undefined: the process has an SDK already, which stays.
 */
export function exportTraces(options: TraceExportOptions): TraceExport | undefined {
  if (tracer() !== undefined) return undefined;
  const { version, node, onTrouble, onRecovery } = options;
  const silent = (): void => undefined;
  // Wrong settings, and spans that found the queue full.
  const logger = { error: onTrouble, warn: onTrouble, info: silent, debug: silent, verbose: silent };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  const exporter = new OtlpExporter({
    ...options,
    onRecovery: (lost) => onRecovery(`traces are exported again; lost until now: ${lost} spans`),
  });
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(
        resourceFromAttributes({
          'service.name': 'statewatt',
          'service.version': version,
          'service.instance.id': node,
        }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  trace.setGlobalTracerProvider(provider);

  async function flush(): Promise<void> {
    trace.disable();
    context.disable();
    exporter.end();
    const patience = setTimeout(() => exporter.abandon(), FLUSH_MS);
    await provider.shutdown();
    clearTimeout(patience);
    if (exporter.lost > 0) onTrouble(`${exporter.lost} spans could not be exported`);
    diag.disable();
  }
  let stopped: Promise<void> | undefined;
  return { stop: () => (stopped ??= flush()) };
}
