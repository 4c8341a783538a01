import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { errorMessage } from '../../../errors/error.js';
import { lockFolder } from '../../../processes/folder-lock.js';
import { Chain } from './chain.js';
import { createEndpoint } from './http.js';

/**
 * The embedded chain: LiteSVM behind Solana's JSON-RPC interface on 127.0.0.1. A process of its own: its virtual machine is
 * native code, and its transactions would hold the node's event loop up. The secret part of its address comes in
 * STATEWATT_CHAIN_TOKEN.
 */
const { values } = parseArgs({
  options: {
    'data-folder': { type: 'string' },
    port: { type: 'string', default: '0' },
    'slot-ms': { type: 'string', default: '400' },
    'lock-wait-ms': { type: 'string', default: '10000' },
  },
});

async function main(): Promise<void> {
  const { STATEWATT_CHAIN_TOKEN: token } = process.env;
  if (values['data-folder'] === undefined || token === undefined) {
    throw new Error('wanted: --data-folder FOLDER and STATEWATT_CHAIN_TOKEN');
  }
  const folder = resolve(values['data-folder']);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  process.chdir(folder);
  const lock = await lockFolder(folder, Number(values['lock-wait-ms']), {
    code: 'chain.folder_in_use',
    name: 'chain’s folder',
  });
  const log = (line: string) => console.error(line);
  const chain = await Chain.open({
    folder,
    slotMs: Number(values['slot-ms']),
    log,
    onFatal: (error) => {
      log(`the ledger cannot be written: ${errorMessage(error)}`);
      process.exit(1);
    },
  });
  const server = createEndpoint({ chain, token, log });
  await new Promise<void>((done, failed) => {
    server.once('error', failed);
    server.listen(Number(values.port), '127.0.0.1', done);
  });

  let stopping = false;
  const stop = () => {
    if (stopping) return;
    stopping = true;
    new Promise((closed) => {
      server.close(closed);
      server.closeIdleConnections();
    })
      .then(() => chain.close())
      .then(() => lock.release())
      .then(() => process.exit(0))
      .catch((error: unknown) => {
        log(errorMessage(error));
        process.exit(1);
      });
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  console.log(`chain ready on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}

main().catch((error: unknown) => {
  console.error(errorMessage(error));
  process.exit(1);
});
