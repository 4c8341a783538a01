import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP link to a server that can be made to fail. */
export interface Link {
  /** `host:port` to connect to instead of the server. */
  readonly address: string;
  /** Passes `bytes` more of what the server sends and then nothing, though the connection stays open. */
  stallAfter(bytes: number): void;
  /** Resolves when nothing passes any longer. */
  readonly stalled: Promise<void>;
  /** Ends every connection, as a reset would; new ones pass again. */
  reset(): void;
  close(): Promise<void>;
}

/** Passes bytes between clients and `127.0.0.1:port`. */
export async function openLink(port: number): Promise<Link> {
  const pairs = new Set<[Socket, Socket]>();
  let left = Infinity;
  let tellStalled: () => void = () => undefined;
  const stalled = new Promise<void>((resolve) => {
    tellStalled = resolve;
  });
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    const pair: [Socket, Socket] = [client, upstream];
    pairs.add(pair);
    client.on('data', (data) => upstream.write(data));
    upstream.on('data', (data) => {
      if (left > 0) client.write(data.subarray(0, left));
      left -= data.length;
      if (left <= 0) tellStalled();
    });
    for (const socket of pair) {
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const reset = (): void => {
    left = Infinity;
    for (const [client] of pairs) client.destroy();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stallAfter: (bytes) => {
      left = bytes;
    },
    stalled,
    reset,
    close: () => {
      reset();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
