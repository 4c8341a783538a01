import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { readSingle, writeSingle } from './modbus-frames.js';
import type { Station } from './site.js';

/** What the hand is to do. */
export interface HandOrder {
  readonly stations: readonly Station[];
  readonly address: number;
  readonly value: number;
  readonly perSecond: number;
}

/**
 * Has a process of its own write one register of each station, one after the other; answers when each was about to be
 * written, by channel (ms since the Unix epoch, with fractions).
 */
export async function changeRegisters(order: HandOrder): Promise<Map<number, number>> {
  const child = fork(fileURLToPath(import.meta.url));
  child.send(order);
  const [changes] = (await once(child, 'message')) as [[number, number][]];
  child.disconnect();
  return new Map(changes);
}

/** With fractions of a millisecond, the same clock in every process of the machine. */
export function preciseNow(): number {
  return performance.timeOrigin + performance.now();
}

async function work({ stations, address, value, perSecond }: HandOrder): Promise<[number, number][]> {
  const ports = [...new Set(stations.map(({ port }) => port))];
  const sockets = new Map(
    await Promise.all(
      ports.map(async (port) => {
        const socket = connect(port, '127.0.0.1').setNoDelay(true);
        await once(socket, 'connect');
        return [port, socket] as const;
      }),
    ),
  );
  const changes: [number, number][] = [];
  const begun = performance.now();
  for (const [index, { channel, port, unit }] of stations.entries()) {
    // Not in step with any poll.
    const wait = begun + ((index + Math.random()) * 1_000) / perSecond - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    const socket = sockets.get(port);
    if (socket === undefined) continue;
    const answered = once(socket, 'data');
    changes.push([channel, preciseNow()]);
    socket.write(writeSingle(unit, address, value));
    readSingle((await answered)[0] as Buffer);
  }
  for (const socket of sockets.values()) socket.destroy();
  return changes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.once('message', (order) => void work(order as HandOrder).then((changes) => process.send?.(changes)));
}
