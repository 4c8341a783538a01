import { once } from 'node:events';
import { connect } from 'node:net';
import { connectBus } from '../../bus/connection.js';
import { startEmbeddedServer } from '../../bus/server.js';
import { preciseNow } from './hand.js';
import { readRequest, registerOf } from './modbus-frames.js';
import { LIMIT, REGISTERS, type Station } from './site.js';

/** A poller of bare sockets: a register above the limit is published to a stream, and noted when that is acknowledged. */
export interface RawPoller {
  /** When each channel's message was acknowledged. */
  readonly seen: ReadonlyMap<number, number>;
  readonly polls: () => number;
  stop(): Promise<void>;
}

/** Reads each device every `intervalMs`, spread over it, with nothing of Statewatt but its nats-server. */
export async function startRaw(
  folder: string,
  stations: readonly Station[],
  { intervalMs, address }: { readonly intervalMs: number; readonly address: number },
): Promise<RawPoller> {
  const server = await startEmbeddedServer({ dataFolder: folder, port: 0, strict: false });
  const bus = await connectBus({ servers: [server.url], name: 'raw' });
  await bus.manager.streams.add({ name: 'RAW', subjects: ['raw.*'] });
  const seen = new Map<number, number>();
  const told = new Set<number>();
  const ends: (() => void)[] = [];
  let polls = 0;
  for (const [index, { channel, port, unit }] of stations.entries()) {
    const socket = connect(port, '127.0.0.1').setNoDelay(true);
    await once(socket, 'connect');
    const request = readRequest(unit, REGISTERS);
    socket.on('data', (answer: Buffer) => {
      polls += 1;
      if ((registerOf(answer, address) ?? 0) <= LIMIT || told.has(channel)) return;
      told.add(channel);
      void bus.jetstream.publish(`raw.${channel}`, answer).then(() => seen.set(channel, preciseNow()));
    });
    const begin = setTimeout(
      () => {
        const timer = setInterval(() => socket.write(request), intervalMs);
        ends.push(() => clearInterval(timer));
      },
      (index * intervalMs) / stations.length,
    );
    ends.push(
      () => clearTimeout(begin),
      () => socket.destroy(),
    );
  }
  return {
    seen,
    polls: () => polls,
    stop: async () => {
      for (const end of ends) end();
      await bus.close();
      await server.stop();
    },
  };
}
