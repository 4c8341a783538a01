import { mkdir, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../../errors/error.js';
import { lockFolder } from '../../../processes/folder-lock.js';
import { Connections } from './connections.js';
import { createEndpoint } from './http.js';
import { loadEngine } from './native.js';

/**
 * The embedded history engine: chDB behind ClickHouse's HTTP interface on 127.0.0.1. A process of its own, so that a
 * fault of the engine ends this process and not the node. User name and password come in STATEWATT_ENGINE_USER and
 * STATEWATT_ENGINE_PASSWORD.
 */
const { values } = parseArgs({
  options: {
    'data-folder': { type: 'string' },
    port: { type: 'string', default: '0' },
    'lock-wait-ms': { type: 'string', default: '10000' },
  },
});

async function main(): Promise<void> {
  const { STATEWATT_ENGINE_USER: username, STATEWATT_ENGINE_PASSWORD: password } = process.env;
  if (values['data-folder'] === undefined || username === undefined || password === undefined) {
    throw new Error('wanted: --data-folder FOLDER, STATEWATT_ENGINE_USER and STATEWATT_ENGINE_PASSWORD');
  }
  const folder = resolve(values['data-folder']);
  const bodyFolder = join(folder, 'bodies');
  await mkdir(folder, { recursive: true });
  process.chdir(folder);
  const lock = await lockFolder(folder, Number(values['lock-wait-ms']), {
    code: 'history.folder_in_use',
    name: 'history folder',
  });
  await rm(bodyFolder, { recursive: true, force: true });
  await mkdir(bodyFolder);

  const engine = loadEngine();
  const connections = new Connections(engine, join(folder, 'data'), { connections: 4, maxWaiting: 64 });
  const streams = new Connections(engine, join(folder, 'data'), { connections: 2, maxWaiting: 8 });
  const streaming = new AbortController();
  const server = createEndpoint({
    connections,
    streams,
    stopping: streaming.signal,
    bodyFolder,
    maxBodyBytes: 512 * 1024 * 1024,
    credentials: { username, password },
    log: (line) => console.error(line),
  });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(Number(values.port), '127.0.0.1', done);
  });

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    server.close();
    server.closeIdleConnections();
    // The engine must be closed before the process ends: its threads do not survive the ordinary exit.
    streaming.abort();
    Promise.all([streams.close(), connections.close()])
      .then(() => lock.release())
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        console.error(errorMessage(error));
        process.exit(1);
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  console.log(`history engine ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

main().catch((error: unknown) => {
  console.error(errorMessage(error));
  process.exit(1);
});
