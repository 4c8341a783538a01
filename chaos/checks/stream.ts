import { DeliverPolicy, type JsMsg } from '@nats-io/jetstream';
import type { Bus } from '../../bus/connection.js';

/** Every message that stands in a stream now, in its order, from a sequence on. */
export async function eachMessage(
  bus: Bus,
  stream: string,
  filter: string,
  take: (message: JsMsg) => void | Promise<void>,
  from = 1,
): Promise<void> {
  const consumer = await bus.jetstream.consumers.get(stream, {
    filter_subjects: [filter],
    ...(from > 1 ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from } : {}),
  });
  if ((await consumer.info()).num_pending === 0) return;
  for await (const message of await consumer.consume()) {
    await take(message);
    if (message.info.pending === 0) break;
  }
}
