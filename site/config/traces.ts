/** Where traces go, and how. The OpenTelemetry SDK reads the variables of sampler, batches and resource by itself. */
export interface TraceSettings {
  readonly url: string;
  readonly protocol: string;
  /** Of each request; may hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** Ms that an export may take, its repetitions included. */
  readonly timeoutMs: number;
  readonly gzip: boolean;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/**
 * What OpenTelemetry's standard variables say of the export of traces (OTLP exporter configuration, SDK environment
 * variables); those of traces go before those of all signals. undefined: nothing, or that there shall be none.
 *
 * @param problems gets one line for each variable that cannot be used
 */
export function traceSettings(
  env: Readonly<Record<string, string | undefined>>,
  problems: string[],
): TraceSettings | undefined {
  const of = (name: string): string | undefined => {
    const value = env[name]?.trim();
    return value === '' ? undefined : value;
  };
  const base = of('OTEL_EXPORTER_OTLP_ENDPOINT');
  const url = of('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT') ?? (base && `${base.replace(/\/$/, '')}/v1/traces`);
  const off = of('OTEL_SDK_DISABLED')?.toLowerCase() === 'true' || (of('OTEL_TRACES_EXPORTER') ?? 'otlp') !== 'otlp';
  if (url === undefined || off) return undefined;

  /** The variable that counts, with its value. */
  const option = (name: string): readonly [name: string, value: string] | undefined => {
    for (const full of [`OTEL_EXPORTER_OTLP_TRACES_${name}`, `OTEL_EXPORTER_OTLP_${name}`]) {
      const value = of(full);
      if (value !== undefined) return [full, value];
    }
    return undefined;
  };
  const [, protocol = 'http/json'] = option('PROTOCOL') ?? [];
  const [timeoutName, timeout = String(DEFAULT_TIMEOUT_MS)] = option('TIMEOUT') ?? [];
  if (!/^[1-9]\d{0,6}$/.test(timeout)) problems.push(`${timeoutName}: found "${timeout}", allowed 1 to 9999999 (ms)`);
  const [compressionName, compression = 'none'] = option('COMPRESSION') ?? [];
  if (!['none', 'gzip'].includes(compression)) {
    problems.push(`${compressionName}: found "${compression}", allowed none or gzip`);
  }
  const [headersName, headersText = ''] = option('HEADERS') ?? [];
  const headers = parseHeaders(headersText);
  // What was found may be a secret.
  if (headers === undefined)
    problems.push(`${headersName}: allowed name=value, comma separated, values percent-encoded`);
  return { url, protocol, headers: headers ?? {}, timeoutMs: Number(timeout), gzip: compression === 'gzip' };
}

/** `a=1,b=2%20` as in W3C Baggage, without properties; undefined when it is not of that form. */
function parseHeaders(text: string): Record<string, string> | undefined {
  const headers: Record<string, string> = {};
  for (const member of text.split(',').filter((each) => each.trim() !== '')) {
    const at = member.indexOf('=');
    const name = member.slice(0, Math.max(at, 0)).trim().toLowerCase();
    try {
      headers[name] = decodeURIComponent(member.slice(at + 1).trim());
    } catch {
      return undefined; // A percent sign that encodes nothing.
    }
    if (!HEADER_NAME.test(name) || /[\0-\x1f\x7f]/.test(headers[name])) return undefined;
  }
  return headers;
}
