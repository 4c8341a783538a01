import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSystem, ref } from '../../actors/runtime/system.js';
import { connectBus } from '../../bus/connection.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { measureCallers, type Figures } from './callers.js';
import { counter } from './counter.js';
import { runPeer } from '../support/peers.js';

export interface RemoteOptions {
  readonly folder: string;
  readonly actors: number;
  readonly callers: number;
  readonly seconds: number;
  readonly peers: boolean;
}

export interface RemoteFigures {
  /** Durable asks: they go through the queue. */
  readonly asks: Figures;
  /** Questions, answered from memory. */
  readonly queries: Figures;
  readonly moleculer: Figures | undefined;
}

/** Actors in another process, over NATS, and the same calls of Moleculer on the same server. */
export async function measureRemote(options: RemoteOptions): Promise<RemoteFigures> {
  const { folder, actors, callers, seconds, peers } = options;
  const server = await startEmbeddedServer({ dataFolder: join(folder, 'remote'), port: 0 });
  try {
    const ours = await measureOurs(server.url, options);
    const moleculer = peers ? await runPeer<Figures>('moleculer', [actors, callers, seconds, server.url]) : undefined;
    return { ...ours, moleculer };
  } finally {
    await server.stop();
  }
}

async function measureOurs(url: string, { actors, callers, seconds }: RemoteOptions) {
  const program = fileURLToPath(new URL('counters-node.js', import.meta.url));
  const node = spawn(process.execPath, [program, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  const bus = await connectBus({ servers: [url], name: 'caller' });
  try {
    await once(node.stdout, 'data');
    // Never started: it owns nothing, so it asks the other process for every actor.
    const system = createSystem({ bus, kinds: [counter], node: 'caller' });
    const refs = Array.from({ length: actors }, (_, index) => ref(counter, `c${index}`));
    const to = (index: number) => refs[index % actors] as (typeof refs)[number];
    const asks = await measureCallers(callers, seconds, (index) =>
      system.ask(to(index), { type: 'add', by: 1 }, { deadline: 30_000 }),
    );
    return { asks, queries: await measureCallers(callers, seconds, (index) => system.query(to(index))) };
  } finally {
    await bus.close();
    node.stdin.end();
  }
}
