import { readFileSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { StatewattError, errorMessage } from '../../errors/error.js';

/** PEM files. */
export interface TlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/**
 * A server of HTTP, or of HTTPS when there is a certificate; both look alike.
 * @throws `http.tls_files`
 */
export function createServer(tls: TlsFiles | undefined, onRequest: RequestListener): Server {
  if (tls === undefined) return createPlainServer(onRequest);
  try {
    const files = { cert: readFileSync(tls.certFile), key: readFileSync(tls.keyFile) };
    return createTlsServer({ ...files, minVersion: 'TLSv1.2' }, onRequest);
  } catch (cause) {
    throw new StatewattError(
      'http.tls_files',
      'invalid',
      `HTTPS cannot be served with the certificate ${tls.certFile} and the key ${tls.keyFile}: ${errorMessage(cause)}`,
      { cause },
    );
  }
}
