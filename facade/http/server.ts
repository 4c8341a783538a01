import { errorMessage, StatewattError } from '../../errors/error.js';
import { buildHttpApp, CLOSE_GRACE_MS, type HttpAppOptions } from './app.js';
import { ServicePorts } from './services.js';

export const DEFAULT_HTTP_HOST = '127.0.0.1';

export interface HttpFacadeOptions extends Omit<HttpAppOptions, 'host'> {
  /** Address or name to listen on. Default 127.0.0.1: this machine only. */
  host?: string;
  /** 0 takes any free port. */
  port: number;
}

export interface HttpFacade {
  /**
   * Starts to serve; answers the address for browsers, as http://127.0.0.1:8080.
   * @throws `http.port_in_use`, `http.listen_failed`
   */
  listen(): Promise<string>;
  /** Takes no more connections, answers what is under way, ends the event streams. */
  close(): Promise<void>;
}

/** The HTTP face of a site: REST, live events, OpenAPI, health, metrics and the web page over one client. */
export function createHttpFacade(options: HttpFacadeOptions): HttpFacade {
  const { host = DEFAULT_HTTP_HOST, port } = options;
  const app = buildHttpApp({ ...options, host });
  const services = new ServicePorts();
  return {
    async listen() {
      try {
        await app.listen({ host, port });
        if (options.servicePorts !== undefined) {
          await services.listen(app, host, options.servicePorts, options.tls, options.closeGraceMs ?? CLOSE_GRACE_MS);
        }
      } catch (thrown) {
        await app.close();
        throw listenError(thrown, host, (thrown as { port?: number }).port ?? port);
      }
      const address = app.server.address();
      const scheme = options.tls === undefined ? 'http' : 'https';
      return toUrl(scheme, host, typeof address === 'object' && address !== null ? address.port : port);
    },
    close: async () => {
      await Promise.all([services.close(), app.close()]);
    },
  };
}

function toUrl(scheme: string, host: string, port: number): string {
  const everywhere = host === '0.0.0.0' || host === '::';
  const shown = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `${scheme}://${shown}:${port}`;
}

function listenError(thrown: unknown, host: string, port: number): StatewattError {
  if (thrown instanceof StatewattError) return thrown;
  const options = { cause: thrown, details: { host, port } };
  if ((thrown as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    return new StatewattError(
      'http.port_in_use',
      'conflict',
      `Port ${port} of ${host} is in use by another program; choose another port, or end that program.`,
      options,
    );
  }
  return new StatewattError(
    'http.listen_failed',
    'unavailable',
    `HTTP cannot be served at ${host}, port ${port}: ${errorMessage(thrown)}`,
    options,
  );
}
