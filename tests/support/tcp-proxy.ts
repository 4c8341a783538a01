import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Takes bytes and carries none, in both directions: a cable that is out. Connections stay open. */
  hold(): void;
  /** Ends the connections and refuses new ones: a port that is shut. */
  shut(): void;
  /** Carries everything again, what was held included. */
  open(): void;
  close(): Promise<void>;
}

/** A TCP proxy on a free port of 127.0.0.1 in front of another port, whose line can be cut. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  let state: 'open' | 'held' | 'shut' = 'open';
  const pairs = new Set<readonly [Socket, Socket]>();
  const flow = ([inner, outer]: readonly [Socket, Socket]): void => {
    if (state === 'open') {
      inner.pipe(outer);
      outer.pipe(inner);
    } else {
      inner.unpipe(outer).pause();
      outer.unpipe(inner).pause();
    }
  };
  const server = createServer((outer) => {
    if (state === 'shut') {
      outer.destroy();
      return;
    }
    const pair = [connect(target, '127.0.0.1'), outer] as const;
    pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.once('close', () => {
        pairs.delete(pair);
        pair.forEach((each) => each.destroy());
      });
    }
    flow(pair);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const change = (next: typeof state): void => {
    state = next;
    for (const pair of pairs) {
      if (next === 'shut') pair.forEach((socket) => socket.destroy());
      else flow(pair);
    }
  };
  return {
    port: (server.address() as AddressInfo).port,
    hold: () => change('held'),
    shut: () => change('shut'),
    open: () => change('open'),
    close: async () => {
      change('shut');
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
