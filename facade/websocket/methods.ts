import { Ajv, type AnySchema } from 'ajv';
import type { Identity } from '../../actors/client/access.js';
import { actingAs, signerOf } from '../../actors/client/acting.js';
import { ALL_ENDPOINTS, type Endpoint, type EndpointContext } from '../../actors/client/endpoints.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { needsOf } from '../../actors/client/needs.js';
import { StatewattError } from '../../errors/error.js';
import type { Need } from '../../site/access.js';
import { withinOwn } from '../admission.js';
import { requestError } from '../http/validation.js';
import { RPC, RpcFault } from './rpc.js';
import { OWN_SCHEMAS, validator, type Validator } from '../../site/validator.js';

/** One method of the WebSocket: what it needs, and what it does with params. */
export interface Method {
  readonly needs: Need;
  /** @param identity of whom it is */
  call(params: unknown, identity: Identity | null): unknown;
}

const ajv = new Ajv({
  ...OWN_SCHEMAS,
  allErrors: true,
  verbose: true,
  useDefaults: true,
  strict: true,
  allowUnionTypes: true,
});

/** Each request of the public interface as `<service>.<name>`, and the methods of the RPC library’s contract. */
export function createMethods(client: StatewattClient): ReadonlyMap<string, Method> {
  const context: EndpointContext = {
    client,
    watch: noLease,
    watchAlarms: noLease,
    watchModel: noLease,
    openFile: noLease,
  };
  const methods = new Map<string, Method>([
    ['echo', { needs: 'read', call: (params) => params }],
    ['add', { needs: 'read', call: add }],
    ['get_time', { needs: 'read', call: () => ({ timestamp: Math.floor(Date.now() / 1_000) }) }],
  ]);
  for (const endpoint of ALL_ENDPOINTS) {
    // Here a subscription pushes what a lease publishes there; files are fetched over HTTP.
    if (endpoint.name === 'watch' || endpoint.name === 'export') continue;
    methods.set(`${endpoint.service}.${endpoint.name}`, methodOf(endpoint, context));
  }
  return methods;
}

function methodOf(endpoint: Endpoint, context: EndpointContext): Method {
  const isValid = validator(() => ajv.compile(endpoint.request as AnySchema));
  const needs = needsOf(endpoint);
  return {
    needs,
    call: (given, identity) => {
      const who = signerOf(identity);
      const params = withinOwn(identity, needs, who === null ? given : actingAs(who, endpoint, given));
      if (!isValid(params)) throw invalidParams(isValid);
      return endpoint.call(context, params);
    },
  };
}

/** All that is wrong with the parameters, as JSON-RPC says it. */
export function invalidParams({ errors }: Pick<Validator, 'errors'>): RpcFault {
  const { message } = requestError('ws.invalid_params', errors ?? [], 'params');
  return new RpcFault(RPC.params, `Invalid params: ${message}`);
}

function add(params: unknown): unknown {
  const { a, b } = (params ?? {}) as { a?: unknown; b?: unknown };
  if (typeof a === 'number' && typeof b === 'number') return { result: a + b };
  throw new RpcFault(RPC.internal, 'Invalid parameters: a and b are to be numbers');
}

function noLease(): never {
  throw new StatewattError('ws.no_lease', 'invalid', 'subscribe, or ask over HTTP, instead');
}
