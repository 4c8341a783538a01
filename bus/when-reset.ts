import type { ConsumerMessages } from '@nats-io/jetstream';

/**
 * Calls `act` when the client begins to make an ordered consumer anew by itself: it may then stand in a stream that was
 * made anew, of which the reader knows nothing, and wait for a sequence that comes much later; and one that began at a time
 * does not get on at all. Better begin again. Resolves when the messages end.
 */
export async function whenReset(messages: ConsumerMessages, act: () => void): Promise<void> {
  for await (const { type } of messages.status()) if (type === 'reset') act();
}
