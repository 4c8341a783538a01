import { createHash, randomUUID, timingSafeEqual } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage } from '../../../errors/error.js';
import { Overloaded, type Connections } from './connections.js';
import { streamAnswer, streamedFormat } from './answer-stream.js';
import { BadRequest, insertFromFile, parseRequest, takesData, type EngineRequest } from './request.js';

export interface EndpointOptions {
  connections: Connections;
  /** For answers that are streamed: a slow reader holds one for long. */
  streams: Connections;
  /** Ends the answers that are being streamed. */
  stopping: AbortSignal;
  /** Bodies of INSERTs are kept here while they are inserted, and files while they are sent. */
  bodyFolder: string;
  maxBodyBytes: number;
  credentials: { username: string; password: string };
  log: (line: string) => void;
}

/** Exception codes (ClickHouse's ErrorCodes) that have an HTTP status of their own; every other one is 500. */
const STATUS: Readonly<Record<number, number>> = {
  6: 400, // CANNOT_PARSE_TEXT
  26: 400, // CANNOT_PARSE_QUOTED_STRING
  27: 400, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  33: 400, // CANNOT_READ_ALL_DATA
  36: 400, // BAD_ARGUMENTS
  38: 400, // CANNOT_PARSE_DATE
  41: 400, // CANNOT_PARSE_DATETIME
  43: 400, // ILLEGAL_TYPE_OF_ARGUMENT
  46: 404, // UNKNOWN_FUNCTION
  47: 404, // UNKNOWN_IDENTIFIER
  50: 404, // UNKNOWN_TYPE
  53: 400, // TYPE_MISMATCH
  60: 404, // UNKNOWN_TABLE
  62: 400, // SYNTAX_ERROR
  72: 400, // CANNOT_PARSE_NUMBER
  73: 400, // UNKNOWN_FORMAT
  81: 404, // UNKNOWN_DATABASE
  115: 404, // UNKNOWN_SETTING
  164: 403, // READONLY
  202: 503, // TOO_MANY_SIMULTANEOUS_QUERIES
  216: 409, // QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING
  456: 400, // UNKNOWN_QUERY_PARAMETER
  497: 403, // ACCESS_DENIED
  516: 403, // AUTHENTICATION_FAILED
  1001: 413, // the body is over the bound
};

/** A refusal of the endpoint itself, worded as the engine words its own. */
class Refusal extends Error {
  constructor(
    readonly code: number,
    type: string,
    message: string,
  ) {
    // Clients take this apart: number, text, type.
    super(`Code: ${code}. DB::Exception: ${message}. (${type})`);
  }
}

/** Serves ClickHouse's HTTP interface over the engine; the caller makes it listen. */
export function createEndpoint(options: EndpointOptions): Server {
  const running = new Set<string>();
  const server = createServer((request, response) => {
    answer(request, response, options, running).catch((error: unknown) => {
      options.log(`a request was broken off: ${errorMessage(error)}`);
      response.destroy();
    });
  });
  // An INSERT's body is small and local, and its statement may take its time.
  server.requestTimeout = 0;
  server.keepAliveTimeout = 30_000;
  return server;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  options: EndpointOptions,
  running: Set<string>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/ping') {
    response.writeHead(200, { 'content-type': 'text/plain; charset=UTF-8' }).end('Ok.\n');
    return;
  }
  let queryId = '';
  try {
    if (!authorized(request, options.credentials))
      throw new Refusal(516, 'AUTHENTICATION_FAILED', 'wrong user name or password');
    const parsed = parseRequest(url, request.headers);
    queryId = parsed.queryId === '' ? randomUUID() : parsed.queryId;
    if (running.has(queryId))
      throw new Refusal(
        216,
        'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
        `a query with id = ${queryId} is already running`,
      );
    running.add(queryId);
    try {
      const statement = takesData(parsed.query) ? undefined : await readStatement(request, parsed.query);
      if (statement !== undefined && streamedFormat(statement) !== undefined) {
        await sendStream(response, statement, { ...parsed, queryId }, options);
        return;
      }
      const result =
        statement === undefined
          ? await insertBody(request, parsed, options)
          : await options.connections.run(statement, parsed);
      response
        .writeHead(200, {
          'content-type': contentType(parsed.format),
          'content-length': result.bytes.byteLength,
          'x-clickhouse-query-id': queryId,
          'x-clickhouse-format': parsed.format,
          'x-clickhouse-summary': summary(result),
        })
        .end(result.bytes);
    } finally {
      running.delete(queryId);
    }
  } catch (error) {
    if (response.headersSent) throw error;
    const { code, text } = describe(error);
    request.resume();
    response
      .writeHead(STATUS[code] ?? 500, {
        'content-type': 'text/plain; charset=UTF-8',
        'x-clickhouse-exception-code': code,
        'x-clickhouse-query-id': queryId,
      })
      .end(`${text}\n`);
  }
}

/** An error before the first byte is answered as any other; a later one breaks the answer off. */
async function sendStream(
  response: ServerResponse,
  statement: string,
  request: EngineRequest,
  { streams, bodyFolder, stopping }: EndpointOptions,
): Promise<void> {
  const pieces = streamAnswer(streams, statement, request, bodyFolder);
  const first = await pieces.next();
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'x-clickhouse-query-id': request.queryId,
    'x-clickhouse-format': streamedFormat(statement) as string,
  });
  if (first.done === true) {
    response.end();
    return;
  }
  response.write(first.value);
  await pipeline(pieces, response, { signal: stopping });
}

async function insertBody(request: IncomingMessage, parsed: ReturnType<typeof parseRequest>, options: EndpointOptions) {
  const file = join(options.bodyFolder, randomUUID());
  try {
    await pipeline(request, bounded(options.maxBodyBytes), createWriteStream(file));
    return await options.connections.run(insertFromFile(parsed.query, file), parsed);
  } finally {
    await rm(file, { force: true });
  }
}

/** The statement is the `query` parameter and the body, in this order. */
async function readStatement(request: IncomingMessage, start: string): Promise<string> {
  const chunks: Buffer[] = [];
  const limit = bounded(MAX_STATEMENT_BYTES);
  for await (const chunk of request.pipe(limit)) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const statement = start === '' ? body : `${start}\n${body}`;
  if (statement.trim() === '') throw new Refusal(62, 'SYNTAX_ERROR', 'empty query');
  return statement;
}
const MAX_STATEMENT_BYTES = 4 * 1024 * 1024;

function bounded(maxBytes: number): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes)
        done(new Refusal(1001, 'BODY_TOO_LARGE', `the body is over the bound of ${maxBytes} bytes`));
      else done(null, chunk);
    },
  });
}

function authorized(request: IncomingMessage, wanted: { username: string; password: string }): boolean {
  const { authorization } = request.headers;
  let given: string;
  if (authorization?.startsWith('Basic ') === true) {
    given = Buffer.from(authorization.slice('Basic '.length), 'base64').toString('utf8');
  } else {
    given = `${String(request.headers['x-clickhouse-user'])}:${String(request.headers['x-clickhouse-key'])}`;
  }
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(`${wanted.username}:${wanted.password}`));
}

function describe(error: unknown): { code: number; text: string } {
  const text = errorMessage(error);
  const code = /^Code: (\d+)\./.exec(text)?.[1];
  if (code !== undefined) return { code: Number(code), text };
  let refusal: Refusal;
  if (error instanceof Overloaded) refusal = new Refusal(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', text);
  else if (error instanceof BadRequest) refusal = new Refusal(36, 'BAD_ARGUMENTS', text);
  else refusal = new Refusal(1002, 'UNKNOWN_EXCEPTION', text);
  return { code: refusal.code, text: refusal.message };
}

function summary(result: { rowsRead: number; bytesRead: number; elapsed: number }): string {
  return JSON.stringify({
    read_rows: String(result.rowsRead),
    read_bytes: String(result.bytesRead),
    elapsed_ns: String(Math.round(result.elapsed * 1e9)),
  });
}

function contentType(format: string): string {
  if (format === 'JSON' || format === 'JSONCompact') return 'application/json; charset=UTF-8';
  if (format === 'TabSeparated') return 'text/tab-separated-values; charset=UTF-8';
  return 'application/octet-stream';
}
