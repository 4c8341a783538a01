import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface FakeNats {
  readonly url: string;
  close(): Promise<void>;
}

/** As much of a NATS server as a client needs to connect: it says who it is and answers PING; no JetStream. */
export async function startFakeNats(info: Record<string, unknown>): Promise<FakeNats> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const greeting = { server_id: 'FAKE', version: '2.12.0', proto: 1, headers: true, max_payload: 1_048_576, ...info };
    socket.write(`INFO ${JSON.stringify(greeting)}\r\n`);
    socket.on('data', (data) => {
      for (const line of data.toString('latin1').split('\r\n')) if (line === 'PING') socket.write('PONG\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
