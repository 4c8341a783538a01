import type { JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';

/** Every message that stands in a stream now, in its order. */
export async function eachMessage(
  bus: Bus,
  stream: string,
  filter: string,
  take: (message: JsMsg) => void | Promise<void>,
): Promise<void> {
  const consumer = await bus.jetstream.consumers.get(stream, { filter_subjects: [filter] });
  if ((await consumer.info()).num_pending === 0) return;
  for await (const message of await consumer.consume()) {
    await take(message);
    if (message.info.pending === 0) break;
  }
}
