import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorMessage, StatewattError } from '../../../errors/error.js';
import type { Chain } from './chain.js';
import { stringify } from './json.js';
import { METHODS } from './methods.js';
import { RPC_ERRORS, RpcError } from './rpc-error.js';

export interface EndpointOptions {
  chain: Chain;
  /** The path must be this, so that neither other users of the machine nor pages in its browsers get in. */
  token: string;
  log: (line: string) => void;
}

/** A cluster's node takes as much. */
const MAX_BODY_BYTES = 50 * 1024;
const MAX_CALLS = 100;

/** Serves Solana’s JSON-RPC 2.0 interface over HTTP; the caller makes it listen. */
export function createEndpoint(options: EndpointOptions): Server {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.log(`a request was broken off: ${errorMessage(error)}`);
      response.destroy();
    });
  });
  server.keepAliveTimeout = 30_000;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { chain, token, log }: EndpointOptions,
): Promise<void> {
  if (!isToken(request.url ?? '', token)) {
    refuse(request, response, 403, 'the path is not the one of this chain’s address');
    return;
  }
  if (request.method !== 'POST' || request.headers['content-type']?.startsWith('application/json') !== true) {
    refuse(request, response, 415, 'wanted: POST with content-type application/json');
    return;
  }
  const body = await readBody(request);
  if (body === undefined) {
    refuse(request, response, 413, `a request has at most ${MAX_BODY_BYTES} bytes`);
    return;
  }
  const text = await respond(body, chain, log);
  response
    .writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
    .end(text);
}

async function respond(body: string, chain: Chain, log: EndpointOptions['log']): Promise<string> {
  let calls: unknown;
  try {
    calls = JSON.parse(body);
  } catch {
    return failure(null, new RpcError(RPC_ERRORS.parseError, 'Parse error'));
  }
  if (!Array.isArray(calls)) return call(calls, chain, log);
  if (calls.length === 0 || calls.length > MAX_CALLS) {
    return failure(null, new RpcError(RPC_ERRORS.invalidRequest, `Invalid request: 1 to ${MAX_CALLS} calls at once`));
  }
  return `[${(await Promise.all(calls.map((one) => call(one, chain, log)))).join(',')}]`;
}

async function call(request: unknown, chain: Chain, log: EndpointOptions['log']): Promise<string> {
  const { id, method, params = [] } = (request ?? {}) as { id?: unknown; method?: unknown; params?: unknown };
  const named = typeof id === 'number' || typeof id === 'string' ? id : null;
  try {
    if (typeof method !== 'string' || !Array.isArray(params)) {
      throw new RpcError(RPC_ERRORS.invalidRequest, 'Invalid request');
    }
    const run = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined;
    if (run === undefined) throw new RpcError(RPC_ERRORS.methodNotFound, 'Method not found');
    const result = await run(chain, params as unknown[]);
    return stringify({ jsonrpc: '2.0', result, id: named });
  } catch (error) {
    if (error instanceof RpcError) return failure(named, error);
    if (!(error instanceof StatewattError)) log(`${String(method)} failed: ${errorMessage(error)}`);
    return failure(named, new RpcError(RPC_ERRORS.internalError, errorMessage(error)));
  }
}

function failure(id: unknown, { code, message, data }: RpcError): string {
  return stringify({ jsonrpc: '2.0', error: { code, message, data }, id });
}

/** undefined: it is too long. */
async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
  request.resume();
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${text}\n`);
}

function isToken(path: string, token: string): boolean {
  const [given, wanted] = [Buffer.from(path), Buffer.from(`/${token}`)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
