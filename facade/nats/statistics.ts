import type { NamedEndpointStats, Service, ServiceStats } from '@nats-io/services';

/** What one endpoint has answered since it started. */
export class EndpointCounts {
  requests = 0;
  errors = 0;
  lastError = '';
  nanos = 0n;

  count(startedAt: bigint, error?: string): void {
    this.requests += 1;
    this.nanos += process.hrtime.bigint() - startedAt;
    if (error === undefined) return;
    this.errors += 1;
    this.lastError = error;
  }
}

/**
 * Has a service report our counts. The library counts what happens until a handler first waits, so every endpoint would
 * seem free of errors and done in no time; the form of the report (NATS ADR-32) stays.
 */
export function reportCounts(service: Service, counts: ReadonlyMap<string, EndpointCounts>): void {
  const base = service.stats.bind(service);
  service.stats = async (): Promise<ServiceStats> => {
    const stats = await base();
    return { ...stats, endpoints: (stats.endpoints ?? []).map((endpoint) => withCounts(endpoint, counts)) };
  };
}

function withCounts(endpoint: NamedEndpointStats, counts: ReadonlyMap<string, EndpointCounts>): NamedEndpointStats {
  const { requests = 0, errors = 0, lastError = '', nanos = 0n } = counts.get(endpoint.name) ?? {};
  return {
    ...endpoint,
    num_requests: requests,
    num_errors: errors,
    last_error: lastError,
    processing_time: Number(nanos),
    average_processing_time: requests === 0 ? 0 : Math.round(Number(nanos) / requests),
  };
}
