import type { Server } from 'node:http';
import { HEADERS_TIMEOUT_MS, REQUEST_TIMEOUT_MS, type HttpApp } from './app.js';
import { ConnectionCloser } from './connections.js';
import { createServer, type TlsFiles } from './tls.js';

/** The services of VoltageEMS, with the places of their ports behind the first one. */
const PLACES = { comsrv: 0, modsrv: 1, alarmsrv: 2, rulesrv: 3, hissrv: 4, netsrv: 6 } as const;
export type ServiceName = keyof typeof PLACES;
export const SERVICE_NAMES = Object.keys(PLACES) as ServiceName[];
/** Of the gateway, which has all of them. */
const GATEWAY_PLACE = 5;
/** VoltageEMS's own first port. */
const FIRST_PORT = 6_000;

/** The port that a service tells as its own. */
export function servicePort(name: ServiceName, firstPort = FIRST_PORT): number {
  return firstPort + PLACES[name];
}

/**
 * The services, each on a port of its own without its prefix, and the gateway on its. All requests take the one way
 * through the app: what it checks, counts and answers is the same at every port.
 */
export class ServicePorts {
  readonly #servers: Server[] = [];
  readonly #closers: ConnectionCloser[] = [];

  /** @throws what listening throws, with the port that is the matter as `port`; those that listen already are closed */
  async listen(
    app: HttpApp,
    host: string,
    firstPort: number,
    tls: TlsFiles | undefined,
    graceMs: number,
  ): Promise<void> {
    const all: [number, string][] = SERVICE_NAMES.map((name) => [servicePort(name, firstPort), `/${name}`]);
    all.push([firstPort + GATEWAY_PLACE, '']);
    for (const [port, prefix] of all) {
      const server = createServer(tls, (request, response) => {
        request.url = prefix + (request.url ?? '/');
        app.routing(request, response);
      });
      server.headersTimeout = HEADERS_TIMEOUT_MS;
      server.requestTimeout = REQUEST_TIMEOUT_MS;
      if (prefix === '') server.on('upgrade', (...upgrade: unknown[]) => app.server.emit('upgrade', ...upgrade));
      try {
        await listening(server, host, port);
      } catch (error) {
        await this.close();
        throw Object.assign(error as Error, { port });
      }
      this.#servers.push(server);
      this.#closers.push(new ConnectionCloser(server, graceMs));
    }
  }

  async close(): Promise<void> {
    const ended = this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    for (const closer of this.#closers) closer.close();
    await Promise.all(ended);
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
