import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { decodeFrame, frameName, FRAME_SCHEMA } from '../../bus/frame-codec.js';
import { encodeHeaders } from '../../bus/headers.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';

/** What became of a frame. */
export type Landed =
  | 'stored'
  /** A newer activation of the channel has published: this frame is from a stale one. */
  | 'superseded';

/** The newest frame of a channel in the stream. */
interface Head {
  readonly streamSeq: number;
  readonly epoch: number;
  readonly seq: number;
}

/** The server will never take it (too large): keeping it would block what comes after. */
const NEVER_TAKEN: readonly number[] = [10054]; // message exceeds the stream's maximum size

/** How much earlier than a frame's own time the stream may have received it: clocks of machines differ. */
const CLOCK_MARGIN_MS = 3_600_000;
const BATCH = 1_000;

/**
 * Puts encoded frames into the FRAMES stream, each exactly once and in order. A frame's name (channel, epoch, seq) is
 * its deduplication id, and the head of its subject is its fence: whatever became of an unacknowledged attempt, sending
 * again ends right. One send at a time per channel.
 */
export class FrameStream {
  readonly #bus: Bus;
  readonly #heads = new Map<number, Head>();
  /** By channel: the newest frame in the stream of the superseded epoch that was sent last. */
  readonly #late = new Map<number, { readonly epoch: number; readonly seq: number }>();

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  /** Resolves when the frame is durable. @throws when the stream cannot be reached or does not take it now */
  async send(bytes: Uint8Array): Promise<Landed> {
    const { channel, epoch, seq } = frameName(bytes);
    for (;;) {
      const head = this.#heads.get(channel) ?? (await this.#fetchHead(channel));
      if (epoch < head.epoch) return 'superseded';
      if (epoch === head.epoch && seq <= head.seq) return 'stored';
      try {
        const ack = await this.#publish(bytes, channel, epoch, seq, head.streamSeq);
        this.#heads.set(channel, { streamSeq: ack, epoch, seq });
        return 'stored';
      } catch (error) {
        this.#heads.delete(channel);
        if (!isWrongSequence(error)) throw error;
      }
    }
  }

  /**
   * Keeps a frame of a stale activation that was read before its successor began: late, but not lost. The head is no
   * fence for it, so the stream is searched for what it has of that epoch.
   */
  async sendLate(bytes: Uint8Array): Promise<void> {
    const { channel, epoch, seq } = frameName(bytes);
    const known = this.#late.get(channel);
    const newest = known?.epoch === epoch ? known.seq : await this.#findNewest(bytes);
    this.#late.delete(channel);
    this.#heads.delete(channel);
    if (seq > newest) await this.#publish(bytes, channel, epoch, seq, undefined);
    this.#late.set(channel, { epoch, seq: Math.max(seq, newest) });
  }

  /** The newest seq that the stream has of this frame's epoch; 0 = none. */
  async #findNewest(bytes: Uint8Array): Promise<number> {
    const { channel, epoch, time } = decodeFrame(bytes);
    const { direct } = this.#bus.manager;
    const where = { next_by_subj: subjects.frame(channel), batch: BATCH };
    const last = await direct.getMessage(STREAM.frames, { last_by_subj: where.next_by_subj });
    let newest = 0;
    let next: { seq: number } | { start_time: Date } = { start_time: new Date(time - CLOCK_MARGIN_MS) };
    for (let at = 0; last !== null && at < last.seq; next = { seq: at + 1 }) {
      const before = at;
      for await (const message of await direct.getBatch(STREAM.frames, { ...where, ...next })) {
        at = message.seq;
        const name = frameName(message.data);
        if (name.epoch === epoch) newest = Math.max(newest, name.seq);
      }
      if (at === before) break;
    }
    return newest;
  }

  async #publish(
    bytes: Uint8Array,
    channel: number,
    epoch: number,
    seq: number,
    expected: number | undefined,
  ): Promise<number> {
    const ack = await this.#bus.jetstream.publish(subjects.frame(channel), bytes, {
      headers: encodeHeaders({ schema: FRAME_SCHEMA }),
      msgID: `${channel}/${epoch}/${seq}`,
      ...(expected === undefined ? {} : { expect: { lastSubjectSequence: expected } }),
    });
    return ack.seq;
  }

  async #fetchHead(channel: number): Promise<Head> {
    const { direct } = this.#bus.manager;
    const newest = await direct.getMessage(STREAM.frames, { last_by_subj: subjects.frame(channel) });
    const head =
      newest === null ? { streamSeq: 0, epoch: 0, seq: 0 } : { streamSeq: newest.seq, ...frameName(newest.data) };
    this.#heads.set(channel, head);
    return head;
  }
}

function isWrongSequence(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamWrongLastSequence;
}

/** Whether sending it again can never help. */
export function isNeverTaken(error: unknown): boolean {
  // An invalid argument: larger than any message that the server takes.
  if (error instanceof errors.InvalidArgumentError) return true;
  return error instanceof JetStreamApiError && NEVER_TAKEN.includes(error.code);
}
