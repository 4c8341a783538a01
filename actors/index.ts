/** What a program that uses Statewatt as a library imports. */
export { connectBus, type Bus, type BusOptions } from '../bus/connection.js';
export { startEmbeddedServer, type EmbeddedServer } from '../bus/server.js';
export { formatRef, parseRef, type Ref } from '../bus/subjects.js';
export { StatewattError, type ErrorBody, type ErrorCategory } from '../errors/error.js';
export {
  defineKind,
  PENDING,
  type CommandOf,
  type Host,
  type Kind,
  type Policy,
  type ReplyOf,
  type Resource,
} from './runtime/kind.js';
export { createSystem, ref, ActorSystem, type ActorRef, type SystemOptions } from './runtime/system.js';
export type { AskOptions } from './runtime/caller.js';
