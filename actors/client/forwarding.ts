import Type, { type Static } from 'typebox';
import { FORWARDER_TYPES } from '../../site/forwarding/forwarder.js';

function literals<T extends readonly string[]>(values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', enum: [...values] });
}
const Nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Millis = (description: string) => Type.Number({ description: `${description} (ms since the Unix epoch)` });

export const FORWARDER_STATES = ['stopped', 'connecting', 'online', 'backingOff', 'paused', 'faulted'] as const;
export const FORWARDER_COMMANDS = ['pause', 'resume', 'skip'] as const;
export type ForwarderCommandName = (typeof FORWARDER_COMMANDS)[number];

export const ForwarderIdSchema = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'of the target' });
export const ForwarderCommandSchema = literals(FORWARDER_COMMANDS);

export const ForwarderStatsSchema = Type.Object({
  sent: Type.Integer({ description: 'points that the target has acknowledged' }),
  batches: Type.Integer({ description: 'batches that it has acknowledged' }),
  failed: Type.Integer({ description: 'attempts that failed, to connect or to send' }),
  behind: Type.Integer({ description: 'frames in the stream that were not sent yet, when it was looked at last' }),
  lost: Type.Integer({ description: 'frames that the stream’s limits discarded before they were sent' }),
  skipped: Type.Integer({ description: 'points that an operator had left out' }),
  outages: Type.Integer({ description: 'times that the target went away' }),
  reconnects: Type.Integer({ description: 'times that it was there again' }),
  lastError: Nullable(Type.String()),
  lastErrorAt: Nullable(Millis('when lastError happened')),
  lastSentAt: Nullable(Millis('when a batch was last acknowledged')),
  sentUpTo: Nullable(Millis('source time of the newest reading that was sent')),
});
export type ForwarderStats = Static<typeof ForwarderStatsSchema>;

export const ForwarderViewSchema = Type.Object({
  id: Type.String(),
  ref: Type.String({ description: 'actor reference, `forwarder/<id>`' }),
  name: Type.String(),
  type: literals(FORWARDER_TYPES),
  address: Type.String({ description: 'where it sends to, without secrets' }),
  enabled: Type.Boolean(),
  state: literals(FORWARDER_STATES),
  since: Millis('when it entered the state'),
  node: Nullable(Type.String({ description: 'the node that sends' })),
  points: Type.Integer({ description: 'points that are chosen' }),
  stats: ForwarderStatsSchema,
});
export type ForwarderView = Static<typeof ForwarderViewSchema>;

/** The part of the public client that deals with targets outside. */
export interface ForwardingClient {
  /** By id. */
  list(): Promise<ForwarderView[]>;
  /** @throws `forwarding.not_found` */
  get(id: string): Promise<ForwarderView>;
  /**
   * pause, resume; skip leaves out the batch that the target refuses. Answers the target after the command is durable.
   *
   * @throws `forwarding.not_found`, `forward.state`
   */
  command(id: string, command: ForwarderCommandName): Promise<ForwarderView>;
}
