import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSystem, ref } from '../../actors/runtime/system.js';
import { connectBus } from '../../bus/connection.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { measureCallers, type Figures } from './callers.js';
import { counter } from './counter.js';
import { measurePeer } from './peers.js';

export interface RemoteOptions {
  readonly folder: string;
  readonly actors: number;
  readonly callers: number;
  readonly seconds: number;
  readonly peers: boolean;
}

/**
 * Questions over NATS to actors in another process, answered from memory, and the same of Moleculer on the same server.
 */
export async function measureRemote(
  options: RemoteOptions,
): Promise<{ ours: Figures; moleculer: Figures | undefined }> {
  const { folder, actors, callers, seconds, peers } = options;
  const server = await startEmbeddedServer({ dataFolder: join(folder, 'remote'), port: 0 });
  try {
    const ours = await measureOurs(server.url, options);
    const moleculer = peers ? await measurePeer('moleculer', [actors, callers, seconds, server.url]) : undefined;
    return { ours, moleculer };
  } finally {
    await server.stop();
  }
}

async function measureOurs(url: string, { actors, callers, seconds }: RemoteOptions): Promise<Figures> {
  const program = fileURLToPath(new URL('counters-node.js', import.meta.url));
  const node = spawn(process.execPath, [program, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const bus = await connectBus({ servers: [url], name: 'caller' });
  try {
    await once(node.stdout, 'data');
    // Never started: it owns nothing, so it asks the other process for every actor.
    const system = createSystem({ bus, kinds: [counter], node: 'caller' });
    const refs = Array.from({ length: actors }, (_, index) => ref(counter, `c${index}`));
    return await measureCallers(callers, seconds, (index) =>
      system.query(refs[index % actors] as (typeof refs)[number]),
    );
  } finally {
    await bus.close();
    node.stdin.end();
  }
}
