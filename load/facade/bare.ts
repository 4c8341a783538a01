// What HTTP costs at least: the JSON given as the last argument, served by bare Fastify or by node:http, in a process of
// its own. `node bare.js fastify|http <JSON>`; prints its address. Ends with its standard input.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';

const [, , kind, text = '{}'] = process.argv;
const view = JSON.parse(text) as Record<string, unknown>;

async function listen(): Promise<number> {
  if (kind === 'fastify') {
    const app = Fastify();
    app.get('/api/v1/points/:address', () => Promise.resolve(view));
    await app.listen({ host: '127.0.0.1', port: 0 });
    return (app.server.address() as AddressInfo).port;
  }
  const server = createServer((_request, response) => {
    const body = JSON.stringify(view);
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) })
      .end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

process.stdout.write(`http://127.0.0.1:${await listen()}\n`);
process.stdin.resume().once('end', () => process.exit(0));
