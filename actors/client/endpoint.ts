import Type, { type Static, type TSchema } from 'typebox';
import { subjects } from '../../bus/subjects.js';
import type { StatewattClient } from './client.js';

/** The NATS micro services of a node, with what each is for. */
export const SERVICES = {
  points: 'Points of the site: newest values, writes, live changes',
  alarms: 'Alarms: lists, commands of operators, who did what, figures',
  channels: 'Device channels: state, statistics, commands',
  actors: 'Actors: what lives where, and the supervisor’s hand on it',
  'dead-letters': 'What actors could not process, and effects that could not be carried out',
  nodes: 'The nodes that share the work, and which partitions are whose',
  rules: 'Rules: what is done when a condition becomes true, and what they have done',
  models: 'Models of equipment: what they are, values, writes',
  forwarding: 'Targets outside that readings are forwarded to',
  meters: 'Meters and their signed readings',
  minting: 'Tokens for readings: what waits, batches, fees',
  ledger: 'Readings and what became of them, by user, wallet and meter',
  history: 'Past values of points',
  configuration: 'The configuration in force, those before it, and putting one of them back',
  access: 'Users, API keys, and who did what; for administrators',
  health: 'The node and each of its parts',
} as const;
export type ServiceName = keyof typeof SERVICES;

/** The name under which a service is discovered. */
export function serviceName(service: ServiceName): string {
  return `statewatt-${service}`;
}

/** Where live changes are published, and for how long unless asked again. */
export const LeaseSchema = Type.Object({
  subject: Type.String({ description: 'subscribe here' }),
  leaseMs: Type.Integer({ description: 'changes are published for so long after the last request' }),
});
export type Lease = Static<typeof LeaseSchema>;

/** What a node brings to answer a request. */
export interface EndpointContext {
  readonly client: StatewattClient;
  /** Keeps changes of a channel, or of all, flowing to the lease's subject. */
  readonly watch: (channel: number | '*') => Lease;
  /** Keeps changes of alarms flowing. */
  readonly watchAlarms: () => Lease;
  /** Keeps changes of a model flowing. */
  readonly watchModel: (id: string) => Lease;
  /** Has a file fetched piece by piece by requests of its reader. */
  readonly openFile: (
    reader: string,
    read: (signal: AbortSignal) => AsyncIterable<Uint8Array>,
  ) => { subject: string; idleMs: number };
}

/** One request of the public interface: what it takes and gives, and how a node answers it. */
export interface Endpoint<Q extends TSchema = TSchema, A extends TSchema = TSchema> {
  readonly service: ServiceName;
  readonly name: string;
  readonly subject: string;
  readonly summary: string;
  /** It changes something: what a read-only user must not be permitted. */
  readonly changes: boolean;
  readonly request: Q;
  readonly response: A;
  call(context: EndpointContext, request: Static<Q>): Promise<Static<A>>;
}

/** Describes one request; see `Endpoint`. */
export function endpoint<Q extends TSchema, A extends TSchema>(
  service: ServiceName,
  name: string,
  rest: Pick<Endpoint<Q, A>, 'summary' | 'request' | 'response' | 'call'> & { changes?: true },
): Endpoint<Q, A> {
  return { changes: false, ...rest, service, name, subject: subjects.api(service, name) };
}
