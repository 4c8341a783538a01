import { StatewattError } from '../errors/error.js';
import type { Frame } from '../site/points.js';
import { decodeFrame, encodeFrame, FRAME_SCHEMA } from './frame-codec.js';
import type { AnswerBody, DeadLetter, EventBody, JournalEntry, SnapshotRecord } from './messages.js';
import { subjects, type Ref } from './subjects.js';

/** How a payload becomes bytes and back, and under which schema version. */
export interface Codec<T> {
  readonly schema: number;
  encode(payload: T): Uint8Array;
  /** @throws `bus.bad_payload` and the like */
  decode(bytes: Uint8Array): T;
}

/** A subject together with the only payload that belongs on it: publishing another does not compile. */
export interface Topic<T> {
  readonly subject: string;
  readonly codec: Codec<T>;
}

/** JSON of a type that the sender's compiler has checked; used between our own parts. */
export function jsonCodec<T>(schema: number): Codec<T> {
  return {
    schema,
    encode: (payload) => Buffer.from(JSON.stringify(payload)),
    decode: (bytes) => parseJson(bytes) as T,
  };
}

/** @throws `bus.bad_payload` */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw new StatewattError('bus.bad_payload', 'invalid', `the payload is no JSON: ${(cause as Error).message}`, {
      cause,
    });
  }
}

const commandCodec = jsonCodec<EventBody>(1);
const journalCodec = jsonCodec<JournalEntry>(1);
const snapshotCodec = jsonCodec<SnapshotRecord>(1);
const deadLetterCodec = jsonCodec<DeadLetter>(1);
const answerCodec = jsonCodec<AnswerBody>(1);
const frameCodec: Codec<Frame> = { schema: FRAME_SCHEMA, encode: encodeFrame, decode: decodeFrame };

export const topics = {
  command: (ref: Ref): Topic<EventBody> => ({ subject: subjects.command(ref), codec: commandCodec }),
  /** The event that the actor gets when the timer fires. */
  timer: (ref: Ref, key: string): Topic<EventBody> => ({ subject: subjects.timer(ref, key), codec: commandCodec }),
  journal: (ref: Ref): Topic<JournalEntry> => ({ subject: subjects.journal(ref), codec: journalCodec }),
  snapshot: (ref: Ref): Topic<SnapshotRecord> => ({ subject: subjects.snapshot(ref), codec: snapshotCodec }),
  deadLetter: (ref: Ref): Topic<DeadLetter> => ({ subject: subjects.deadLetter(ref), codec: deadLetterCodec }),
  answer: (inbox: string): Topic<AnswerBody> => ({ subject: inbox, codec: answerCodec }),
  frame: (channel: number): Topic<Frame> => ({ subject: subjects.frame(channel), codec: frameCodec }),
};

export const codecs = {
  command: commandCodec,
  journal: journalCodec,
  snapshot: snapshotCodec,
  deadLetter: deadLetterCodec,
  answer: answerCodec,
  frame: frameCodec,
};
