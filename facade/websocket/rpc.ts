import { StatewattError, toStatewattError } from '../../errors/error.js';

/** JSON-RPC 2.0 (jsonrpc.org/specification): the codes of errors. */
export const RPC = {
  parse: -32700,
  request: -32600,
  method: -32601,
  params: -32602,
  internal: -32603,
  /** The site said no: `data` is its error, with a stable `code`. */
  refused: -32000,
} as const;

export type RpcId = string | number | null;

/** A request as it came; without an id nobody waits for an answer. */
export interface RpcRequest {
  readonly id?: RpcId;
  readonly method: string;
  readonly params: unknown;
}

export interface RpcError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

export type RpcAnswer =
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly result: unknown }
  | { readonly jsonrpc: '2.0'; readonly id: RpcId; readonly error: RpcError };

/** What is wrong with a request itself, with the code that JSON-RPC has for it. */
export class RpcFault extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Requests of one batch. */
const MAX_BATCH = 100;

/**
 * Reads a message: one request, or a batch of them. `jsonrpc: "2.0"` may be left out.
 * @throws RpcFault
 */
export function readMessage(text: string): unknown {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    throw new RpcFault(RPC.parse, 'Parse error: the message is not JSON');
  }
  if (!Array.isArray(message)) return message;
  if (message.length >= 1 && message.length <= MAX_BATCH) return message;
  throw new RpcFault(RPC.request, `Invalid Request: a batch has 1 to ${MAX_BATCH} requests, not ${message.length}`);
}

/** @throws RpcFault */
export function readRequest(message: unknown): RpcRequest {
  if (typeof message !== 'object' || message === null)
    throw new RpcFault(RPC.request, 'Invalid Request: not an object');
  const { jsonrpc = '2.0', id, method, params = {} } = message as Record<string, unknown>;
  if (jsonrpc !== '2.0') throw new RpcFault(RPC.request, 'Invalid Request: jsonrpc is not "2.0"');
  if (typeof method !== 'string') throw new RpcFault(RPC.request, 'Invalid Request: method is not a string');
  if (id === undefined) return { method, params };
  if (typeof id === 'string' || typeof id === 'number' || id === null) return { id, method, params };
  throw new RpcFault(RPC.request, 'Invalid Request: id is not a string, a number or null');
}

/** The id of a message that may be no request, for the answer that says so. */
export function idOf(message: unknown): RpcId {
  const { id } = (message ?? {}) as { id?: unknown };
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

export function answerOf(id: RpcId, result: unknown): RpcAnswer {
  return { jsonrpc: '2.0', id, result: result === undefined ? null : result };
}

export function faultOf(id: RpcId, thrown: unknown): RpcAnswer {
  return { jsonrpc: '2.0', id, error: errorOf(thrown) };
}

function errorOf(thrown: unknown): RpcError {
  if (thrown instanceof RpcFault) return { code: thrown.code, message: thrown.message };
  const error = thrown instanceof StatewattError ? thrown : toStatewattError(thrown);
  // What nobody foresaw may carry anything: the log has it.
  if (error.category === 'internal') return { code: RPC.internal, message: 'Internal error' };
  return { code: RPC.refused, message: error.message, data: error.toJSON() };
}
