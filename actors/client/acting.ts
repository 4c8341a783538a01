import type { Identity } from './access.js';
import type { Endpoint } from './endpoint.js';

/** Longest name that alarms and meters keep. */
const MAX_NAME = 128;

/** The part of a request that says who acts, by request. */
const SAYS_WHO: Readonly<Record<string, 'request' | 'command'>> = {
  'alarms.raise': 'request',
  'alarms.command': 'command',
  'configuration.rollback': 'request',
  'meters.command': 'command',
};

/**
 * A request as somebody makes it who is known: where a request says who acts (`by`), it is this one, whatever it says.
 * What is not an object stays what it is, for its schema to refuse.
 */
export function actingAs(
  who: string,
  { service, name }: Pick<Endpoint, 'service' | 'name'>,
  request: unknown,
): unknown {
  const part = SAYS_WHO[`${service}.${name}`];
  if (part === undefined || !isObject(request)) return request;
  const by = nameOf(who);
  if (part === 'request') return { ...request, by };
  return isObject(request.command) ? { ...request, command: { ...request.command, by } } : request;
}

/**
 * The name in which somebody acts who has signed in; null: a request's own word counts, as nobody has to sign in, or as
 * whoever sits at a node's own machine is known by no other.
 */
export function signerOf(identity: Identity | null): string | null {
  return identity?.via === 'user' || identity?.via === 'key' ? identity.name : null;
}

/** The user that somebody who comes in is: an API key is that of its name. */
export function userOf({ name, via }: Identity): string {
  return via === 'key' ? name.replace(/^key:/, '') : name;
}

/** A name as alarms and meters keep it. */
export function nameOf(who: string): string {
  return who.slice(0, MAX_NAME);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
