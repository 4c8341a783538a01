import type { BrokerConfig, TlsFiles } from '../broker.js';
import { show } from './problems.js';
import { BROKER_DEFAULTS, type BrokerFile, type TlsFile } from './schema/broker.js';
import { resolveIn, type Block, type SiteSource } from './source.js';

/** How a broker is reached. `block` holds its keys. */
export async function readBroker(
  source: SiteSource,
  file: BrokerFile,
  block: Block,
  clientId: string,
): Promise<BrokerConfig> {
  if (file.tls !== undefined && /^(mqtt|ws):/.test(file.url))
    block.report('tls', file.url.split(':', 1)[0] as string, 'mqtts:// or wss:// in url');
  return {
    url: file.url,
    ...(file.username === undefined ? {} : { username: file.username }),
    ...(file.password === undefined ? {} : { password: file.password }),
    clientId: file.client_id ?? clientId,
    tls: await readTls(source, file.tls, block.at('tls')),
    connectTimeoutMs: file.connect_timeout_ms ?? BROKER_DEFAULTS.connectTimeoutMs,
    keepAliveS: file.keep_alive_s ?? BROKER_DEFAULTS.keepAliveS,
  };
}

/** The files of a TLS connection, each of which must be there. */
export async function readTls(source: SiteSource, file: TlsFile = {}, block: Block): Promise<TlsFiles> {
  if ((file.cert === undefined) !== (file.key === undefined)) {
    const missing = file.cert === undefined ? 'cert' : 'key';
    block.report(missing, 'nothing', 'both cert and key, or none of them');
  }
  const [caFile, certFile, keyFile] = await Promise.all([
    pemFile(source, file.ca, block, 'ca'),
    pemFile(source, file.cert, block, 'cert'),
    pemFile(source, file.key, block, 'key'),
  ]);
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    verify: file.verify ?? true,
  };
}

/** Absolute path of a file that is there; undefined when none is named. */
export async function pemFile(
  source: SiteSource,
  name: string | undefined,
  block: Block,
  key: string,
): Promise<string | undefined> {
  if (name === undefined) return undefined;
  const path = resolveIn(source.folder, name);
  if ((await source.reader.kind(path)) !== 'file')
    block.report(key, show(name), 'the path of a file', `there is no file ${path}, allowed the path of a file`);
  return path;
}
