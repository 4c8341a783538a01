import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { EventBody } from '../../../bus/messages.js';
import type { Ref } from '../../../bus/subjects.js';

/** Queues a command durably. */
export type Tell = (to: Ref, event: EventBody, commandId: string) => Promise<void>;

const RETRY_MS = 250;

/**
 * Tells it, again while it cannot be queued (the bus is away) and is still `wanted`; the receiver takes it once. Answers
 * whether it was told.
 */
export async function reportUntilSent(tell: Tell, to: Ref, event: EventBody, wanted: () => boolean): Promise<boolean> {
  const commandId = randomUUID();
  while (wanted()) {
    try {
      await tell(to, event, commandId);
      return true;
    } catch {
      await setTimeout(RETRY_MS, undefined, { ref: false });
    }
  }
  return false;
}
