import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP link to a server that can be made to fail. */
export interface Link {
  /** `host:port` to connect to instead of the server. */
  readonly address: string;
  /** Carries nothing any longer, in both directions, and loses nothing: a cable that is out. Connections stay open. */
  hold(): void;
  /** Ends the connections and refuses new ones: a port that is shut. */
  shut(): void;
  /** Carries everything again, what was held included. */
  open(): void;
  /** Ends every connection; new ones pass again. */
  reset(): void;
  /** Passes `bytes` more of what the server sends and loses the rest, though the connection stays open, until `reset`. */
  stallAfter(bytes: number): void;
  /** Resolves when nothing of the server's passes any longer. */
  readonly stalled: Promise<void>;
  close(): Promise<void>;
}

/** Passes bytes between clients and `127.0.0.1:port`. */
export async function openLink(port: number): Promise<Link> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let state: 'open' | 'held' | 'shut' = 'open';
  let left = Infinity;
  let tellStalled: () => void = () => undefined;
  const stalled = new Promise<void>((resolve) => {
    tellStalled = resolve;
  });

  const pass = (from: Socket, to: Socket, data: Buffer): void => {
    if (!to.write(data)) {
      from.pause();
      to.once('drain', () => {
        if (state === 'open') from.resume();
      });
    }
  };
  const server = createServer((client) => {
    if (state === 'shut') {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    const pair = [client, upstream] as const;
    pairs.add(pair);
    client.on('data', (data) => pass(client, upstream, data));
    upstream.on('data', (data) => {
      if (left > 0) pass(upstream, client, data.subarray(0, left));
      left -= data.length;
      if (left <= 0) tellStalled();
    });
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
      if (state === 'held') socket.pause();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });

  const change = (next: typeof state): void => {
    state = next;
    for (const socket of [...pairs].flat()) {
      if (next === 'open') socket.resume();
      else if (next === 'held') socket.pause();
      else socket.destroy();
    }
  };
  const reset = (): void => {
    left = Infinity;
    change('shut');
    change('open');
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold: () => change('held'),
    shut: () => change('shut'),
    open: () => change('open'),
    reset,
    stallAfter: (bytes) => {
      left = bytes;
    },
    stalled,
    close: async () => {
      change('shut');
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
