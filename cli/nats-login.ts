import type { ConnectOptions } from '../actors/client/remote.js';

/** How the command line shows itself to NATS, from the variables that a node reads too (docs/configuration.md). */
export function natsLogin(env: NodeJS.ProcessEnv): Pick<ConnectOptions, 'credentials' | 'tls'> {
  const { NATS_CREDS: credentials, NATS_CA: caFile, NATS_CERT: certFile, NATS_KEY: keyFile } = env;
  const tls = {
    ...(caFile ? { caFile } : {}),
    ...(certFile ? { certFile } : {}),
    ...(keyFile ? { keyFile } : {}),
  };
  return { ...(credentials ? { credentials } : {}), ...(Object.keys(tls).length === 0 ? {} : { tls }) };
}
