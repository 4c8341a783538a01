import { JetStreamApiCodes, JetStreamApiError, PubHeaders } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import type { Bus } from '../../bus/connection.js';
import { decodeFrame, frameName, FRAME_SCHEMA } from '../../bus/frame-codec.js';
import { encodeHeaders } from '../../bus/headers.js';
import { readBatch } from '../../bus/read-batch.js';
import { STREAM } from '../../bus/streams.js';
import { subjects } from '../../bus/subjects.js';
import { whileConnected } from '../../bus/while-connected.js';
import type { Frame } from '../../site/points.js';
import { GroupCommit } from '../runtime/group-commit.js';

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

/** Resolves when the message is durable. */
export type Commits = Pick<GroupCommit, 'write'>;

/** How much earlier than a frame's own time the stream may have received it: clocks of machines differ. */
const CLOCK_MARGIN_MS = 3_600_000;
const BATCH = 1_000;

/**
 * Puts encoded frames into the FRAMES stream, each exactly once and in order. A frame's name (channel, epoch, seq) is
 * its deduplication id, and the head of its subject is its fence: whatever became of an unacknowledged attempt, sending
 * again ends right. One send at a time per channel; what many channels send at once goes as one atomic batch, which a
 * server that waits for its disk acknowledges several times as fast.
 */
export class FrameStream {
  readonly #bus: Bus;
  readonly #commits: Commits;
  /** By channel. */
  readonly #heads = new Map<number, Head>();
  /** By channel: the head of the superseded epoch that was sent last. */
  readonly #lateHeads = new Map<number, Head>();

  constructor(bus: Bus, commits: Commits = new GroupCommit(bus, { fenced: true, giveUpWhenLost: true })) {
    this.#bus = bus;
    this.#commits = commits;
  }

  /** Resolves when the frame is durable. @throws when the stream cannot be reached or does not take it now */
  async send(bytes: Uint8Array): Promise<Landed> {
    const { channel } = frameName(bytes);
    const subject = subjects.frame(channel);
    return this.#append(bytes, subject, this.#heads, () => this.#fetchHead(subject));
  }

  /**
   * Keeps a frame of a stale activation that was read before its successor began: late, but not lost. It has a subject
   * of its own, so that the head of the channel's subject stays the fence.
   */
  async sendLate(bytes: Uint8Array): Promise<void> {
    const { channel, epoch } = frameName(bytes);
    const subject = subjects.lateFrame(channel, epoch);
    if (this.#lateHeads.get(channel)?.epoch !== epoch) this.#lateHeads.delete(channel);
    await this.#append(bytes, subject, this.#lateHeads, async () => {
      const head = await this.#fetchHead(subject);
      // What its activation had sent before it was superseded.
      return head.seq > 0 ? head : { streamSeq: 0, epoch, seq: await this.#newestOf(bytes) };
    });
  }

  async #append(
    bytes: Uint8Array,
    subject: string,
    heads: Map<number, Head>,
    fetchHead: () => Promise<Head>,
  ): Promise<Landed> {
    const { channel, epoch, seq } = frameName(bytes);
    for (;;) {
      const head = heads.get(channel) ?? (await fetchHead());
      heads.set(channel, head);
      if (epoch < head.epoch) return 'superseded';
      if (epoch === head.epoch && seq <= head.seq) return 'stored';
      try {
        const headers = encodeHeaders({ schema: FRAME_SCHEMA, dedupId: `${channel}/${epoch}/${seq}` });
        headers.set(PubHeaders.ExpectedLastSubjectSequenceHdr, String(head.streamSeq));
        const ack = await this.#commits.write({ subject, payload: bytes, headers });
        heads.set(channel, { streamSeq: ack.seq, epoch, seq });
        return 'stored';
      } catch (error) {
        heads.delete(channel);
        if (!isWrongSequence(error)) throw error;
      }
    }
  }

  async #fetchHead(subject: string): Promise<Head> {
    const newest = await this.#bus.manager.direct.getMessage(STREAM.frames, { last_by_subj: subject });
    return newest === null ? { streamSeq: 0, epoch: 0, seq: 0 } : { streamSeq: newest.seq, ...frameName(newest.data) };
  }

  /** The newest seq of this frame's epoch among its channel's frames; 0 = none. */
  async #newestOf(bytes: Uint8Array): Promise<number> {
    const { channel, epoch, time } = decodeFrame(bytes);
    const where = { next_by_subj: subjects.frame(channel), batch: BATCH };
    const last = await this.#fetchHead(where.next_by_subj);
    let newest = 0;
    let at = 0;
    let from: { seq: number } | { start_time: Date } = { start_time: new Date(time - CLOCK_MARGIN_MS) };
    while (at < last.streamSeq) {
      const before = at;
      for (const message of await readBatch(this.#bus, STREAM.frames, { ...where, ...from })) {
        const name = frameName(message.data);
        if (name.epoch > epoch) return newest;
        if (name.epoch === epoch) newest = name.seq;
        at = message.seq;
      }
      if (at === before) break;
      from = { seq: at + 1 };
    }
    return newest;
  }
}

/** The newest frame of a channel; undefined: the stream has none. @throws `bus.unavailable`, `bus.bad_frame` */
export async function newestFrame(bus: Bus, channel: number): Promise<Frame | undefined> {
  const newest = await whileConnected(bus, () =>
    bus.manager.direct.getMessage(STREAM.frames, { last_by_subj: subjects.frame(channel) }),
  );
  return newest === null ? undefined : decodeFrame(newest.data);
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
