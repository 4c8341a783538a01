import { PARTITIONS } from '../../bus/subjects.js';

/** What one caller has under way to one actor. */
interface Line {
  /** Commands so far, while any is under way: their places. */
  sent: number;
  /** Place of the newest one that was queued. */
  queued: number;
  /** On their way straight to the actor, not answered yet. */
  straight: number;
  /** On their way into the queue, or through it with somebody waiting. */
  queueing: number;
}

/** A command's place among what its caller sends to the same actor. */
export interface Place {
  readonly actor: string;
  readonly line: Line;
  readonly number: number;
}

/**
 * Keeps what a caller sends to an actor in order, though some of it goes through the queue and some straight to the actor:
 * nothing goes straight past what this caller has queued before, and nothing is queued behind what it sent later.
 */
export class SendingOrder {
  readonly #lines = new Map<string, Line>();
  /** Place in the stream of the newest command that this caller has queued, by partition. */
  readonly #newest = new Array<number>(PARTITIONS).fill(0);

  /** The place in the queue that the actor's node has to have reached; undefined: it cannot go straight now. */
  straightBehind(actor: string, partition: number): number | undefined {
    const line = this.#lines.get(actor);
    return line !== undefined && line.queueing > 0 ? undefined : this.#newest[partition];
  }

  /** A command goes straight to its actor. */
  straight(actor: string): Place {
    const line = this.#line(actor);
    line.straight += 1;
    return { actor, line, number: ++line.sent };
  }

  /** It was answered, or given up. */
  straightDone(place: Place): void {
    place.line.straight -= 1;
    this.#forget(place);
  }

  /** A command goes into the queue; `after` is its place when it was sent straight before. */
  queue(actor: string, after?: Place): Place {
    const line = after?.line ?? this.#line(actor);
    line.queueing += 1;
    const number = after?.number ?? ++line.sent;
    line.queued = Math.max(line.queued, number);
    return { actor, line, number };
  }

  /** It stands in the queue. */
  queuedAt(partition: number, place: number): void {
    this.#newest[partition] = Math.max(this.#newest[partition] as number, place);
  }

  /** It stands there with nobody waiting, was answered, or given up. */
  queueDone(place: Place): void {
    place.line.queueing -= 1;
    this.#forget(place);
  }

  /** Whether a later command to the same actor has been queued meanwhile: queued now, this one would be behind it. */
  isOvertaken({ line, number }: Place): boolean {
    return line.queued > number;
  }

  #line(actor: string): Line {
    let line = this.#lines.get(actor);
    if (line === undefined) {
      line = { sent: 0, queued: 0, straight: 0, queueing: 0 };
      this.#lines.set(actor, line);
    }
    return line;
  }

  #forget({ actor, line }: Place): void {
    if (line.straight === 0 && line.queueing === 0) this.#lines.delete(actor);
  }
}
