import { readFile } from 'node:fs/promises';
import { errorMessage, StatewattError } from '../errors/error.js';
import type { TlsFiles } from '../site/broker.js';

/** What Node's `tls.connect` takes. */
export interface TlsMaterial {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly rejectUnauthorized: boolean;
}

/** Reads the files of a TLS connection, anew for each: they may have been renewed. @throws `config.file_unreadable` */
export async function readTlsFiles({ caFile, certFile, keyFile, verify }: TlsFiles): Promise<TlsMaterial> {
  const [ca, cert, key] = await Promise.all([caFile, certFile, keyFile].map(readPem));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    rejectUnauthorized: verify,
  };
}

async function readPem(path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    throw new StatewattError('config.file_unreadable', 'invalid', `${path} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}
