import { randomFillSync } from 'node:crypto';
import { headers as createHeaders, type MsgHdrs } from '@nats-io/transport-node';

/** Names of the headers that Statewatt's messages carry. */
export const HEADER = {
  /** Version of the payload's schema. */
  schema: 'Statewatt-Schema',
  /** W3C Trace Context. */
  traceparent: 'traceparent',
  correlation: 'Statewatt-Correlation',
  /** Names a command for ever; a second one with the same id is answered like the first. */
  command: 'Statewatt-Command',
  /** Where the actor's answer goes (JetStream uses the reply subject for itself). */
  reply: 'Statewatt-Reply',
  /** Ms since the Unix epoch; an unaccepted command is not done after it. */
  deadline: 'Statewatt-Deadline',
  /** Key of the timer that fires. */
  timer: 'Statewatt-Timer',
  /** JetStream's deduplication id. */
  dedup: 'Nats-Msg-Id',
} as const;

/** What every message says of itself. */
export interface Envelope {
  schema: number;
  /** Names the message for ever; a second one with the same id is ignored. */
  dedupId?: string;
  traceparent?: string;
  correlationId?: string;
  commandId?: string;
  replyTo?: string;
  deadline?: number;
  timer?: string;
}

export function encodeHeaders(envelope: Envelope): MsgHdrs {
  const headers = createHeaders();
  headers.set(HEADER.schema, String(envelope.schema));
  if (envelope.dedupId !== undefined) headers.set(HEADER.dedup, envelope.dedupId);
  if (envelope.traceparent !== undefined) headers.set(HEADER.traceparent, envelope.traceparent);
  if (envelope.correlationId !== undefined) headers.set(HEADER.correlation, envelope.correlationId);
  if (envelope.commandId !== undefined) headers.set(HEADER.command, envelope.commandId);
  if (envelope.replyTo !== undefined) headers.set(HEADER.reply, envelope.replyTo);
  if (envelope.deadline !== undefined) headers.set(HEADER.deadline, String(envelope.deadline));
  if (envelope.timer !== undefined) headers.set(HEADER.timer, envelope.timer);
  return headers;
}

export function decodeHeaders(headers: MsgHdrs | undefined): Envelope {
  const text = (name: string): string | undefined => {
    const value = headers?.get(name);
    return value === undefined || value === '' ? undefined : value;
  };
  const deadline = Number(text(HEADER.deadline));
  const envelope: Envelope = { schema: Number(text(HEADER.schema) ?? 1) };
  const dedupId = text(HEADER.dedup);
  const traceparent = text(HEADER.traceparent);
  const correlationId = text(HEADER.correlation);
  const commandId = text(HEADER.command);
  const replyTo = text(HEADER.reply);
  const timer = text(HEADER.timer);
  if (dedupId !== undefined) envelope.dedupId = dedupId;
  if (traceparent !== undefined) envelope.traceparent = traceparent;
  if (correlationId !== undefined) envelope.correlationId = correlationId;
  if (commandId !== undefined) envelope.commandId = commandId;
  if (replyTo !== undefined) envelope.replyTo = replyTo;
  if (Number.isFinite(deadline) && deadline > 0) envelope.deadline = deadline;
  if (timer !== undefined) envelope.timer = timer;
  return envelope;
}

/** Random bytes are drawn for many ids at once: one by one they are a tenth of the cost of a command. */
const drawn = Buffer.alloc(4_096);
let used = drawn.length;

function randomHex(bytes: number): string {
  if (used + bytes > drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += bytes;
  return drawn.toString('hex', used - bytes, used);
}

/** A new sampled trace: `00-<trace id>-<span id>-01` (W3C Trace Context, level 1). */
export function newTraceparent(): string {
  return `00-${randomHex(16)}-${randomHex(8)}-01`;
}

/** The same trace, a new span; a new trace where the parent is none. */
export function childTraceparent(parent: string | undefined): string {
  const match = /^00-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(parent ?? '');
  if (match === null) return newTraceparent();
  return `00-${match[1]}-${randomHex(8)}-${match[2]}`;
}
