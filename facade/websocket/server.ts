import websocket from '@fastify/websocket';
import { credentialsOf } from '../http/access/credentials.js';
import { open, reads } from '../http/access/needs.js';
import type { HttpApp } from '../http/app.js';
import { CLOSE, RpcConnection, type ConnectionParts } from './connection.js';
import { createMethods } from './methods.js';

/** Bytes of one message from a client. */
const MAX_MESSAGE = 64 * 1024;
const MAX_CONNECTIONS = 1_000;
const HEARTBEAT_MS = 15_000;

export interface WebSocketOptions {
  readonly heartbeatMs?: number;
  readonly maxConnections?: number;
}

/** JSON-RPC and live pushes at /ws, and frames back unchanged at /ws/echo. Before the routes. */
export function addWebSocket(
  app: HttpApp,
  parts: Omit<ConnectionParts, 'methods'>,
  { heartbeatMs = HEARTBEAT_MS, maxConnections = MAX_CONNECTIONS }: WebSocketOptions = {},
): void {
  const methods = createMethods(parts.client);
  const connections = new Set<RpcConnection>();
  const heartbeat = setInterval(() => {
    for (const connection of connections) void connection.beat();
  }, heartbeatMs).unref();

  void app.register(websocket, {
    options: { maxPayload: MAX_MESSAGE, perMessageDeflate: false },
    errorHandler: (error, socket, request) => {
      request.log.debug({ err: error }, 'WebSocket failed');
      socket.terminate();
    },
    preClose(done) {
      clearInterval(heartbeat);
      for (const connection of connections) connection.close();
      this.websocketServer.close();
      done();
    },
  });
  void app.register((api, _options, done) => {
    api.get(
      '/ws',
      { websocket: true, exposeHeadRoute: false, config: { ...open, untraced: true } },
      (socket, request) => {
        if (connections.size >= maxConnections) {
          socket.close(CLOSE.tryLater, `${maxConnections} connections are open; that is all that is allowed`);
          return;
        }
        const { token, access_token: accessToken = token } = request.query as { token?: string; access_token?: string };
        const shown = credentialsOf(request);
        const isShown = shown.token !== undefined || shown.apiKey !== undefined;
        const connection = new RpcConnection(
          socket,
          { ...parts, methods },
          {
            credentials: isShown || typeof accessToken !== 'string' ? shown : { token: accessToken },
            address: request.ip,
            requestId: request.id,
            log: request.log,
          },
        );
        connections.add(connection);
        socket.on('close', () => connections.delete(connection));
      },
    );

    api.get(
      '/ws/echo',
      { websocket: true, exposeHeadRoute: false, config: { ...reads, untraced: true } },
      (socket, { identity }) => {
        const end = () => socket.close(CLOSE.notSignedIn, 'sign in');
        if (identity !== null) socket.on('close', parts.open.add(identity, end));
        socket.on('message', (data, isBinary) => {
          socket.send(data, { binary: isBinary }, () => {
            if (socket.isPaused) socket.resume();
          });
          if (socket.bufferedAmount > MAX_MESSAGE) socket.pause();
        });
      },
    );
    done();
  });
}
