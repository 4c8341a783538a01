import type { AnswerBody, EventBody } from '../../bus/messages.js';

/** A command on its way through an actor. */
export interface Delivery {
  readonly event: EventBody;
  readonly commandId: string;
  readonly traceparent: string | undefined;
  readonly correlationId: string | undefined;
  /** Ms since the Unix epoch; not begun after it. */
  readonly deadline: number | undefined;
  /** Whether somebody waits for the answer; what nobody would hear of is not refused but kept. */
  readonly awaited: boolean;
  /** Its place in the queue: what was sent later has a higher one. Timers have none. */
  readonly place?: number;
  /** Key of the timer whose firing it is; its event is the one that the actor has kept. */
  readonly timer?: string | undefined;
  /** When it came to this node, ms of `performance.now()`. */
  readonly receivedAt?: number | undefined;
  /** Sends the answer to the caller, if one waits. */
  answer(body: AnswerBody): void;
  /** The command needs no redelivery: accepted, refused or parked. */
  settle(): void;
  /** It was not processed; deliver it again (to a newer activation), after `delayMs` if that is given. */
  release(delayMs?: number): void;
  /**
   * Of a command that came straight from a caller in this process: queues it as well, so that it comes again should this
   * node go. Absent where it stands in the queue.
   */
  readonly queue?: (() => Promise<void>) | undefined;
}
