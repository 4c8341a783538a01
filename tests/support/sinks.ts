import type { Bus } from '../../bus/connection.js';
import { STREAM } from '../../bus/streams.js';
import type { Kind } from '../../actors/runtime/kind.js';
import type { DurableEffect, EffectPolicy } from '../../actors/runtime/outbox/effect.js';
import { createSystem, ref, type ActorSystem } from '../../actors/runtime/system.js';
import { startNats, type TestNats } from './nats.js';
import { notifierKind, type Note } from './notifier.js';
import { eventually } from './temp.js';

/** Enough repetitions for a fault of some seconds. */
export const PATIENT: Partial<EffectPolicy> = {
  attempts: 100,
  backoffMs: { initial: 20, max: 100 },
  timeoutMs: 1_000,
};

/** A node with one kind whose command `note` has the effect under test. */
export interface SinkBed {
  readonly nats: TestNats;
  readonly bus: Bus;
  readonly system: ActorSystem;
  /** Sends a note to the actor; resolves when it is in the journal. */
  note(actor: string, text: string): Promise<void>;
  /** Waits until every effect of the journal has happened or was parked. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSinkBed(
  effect: (bus: Bus) => DurableEffect<Note>,
  others: readonly Kind[] = [],
  nats?: TestNats,
): Promise<SinkBed> {
  const server = nats ?? (await startNats());
  const bus = await server.connect('n1');
  const { run, policy } = effect(bus);
  const kind = notifierKind(run, policy);
  const system = createSystem({ bus, kinds: [kind, ...others], node: 'n1' });
  await system.start();
  return {
    nats: server,
    bus,
    system,
    note: async (actor, text) => {
      await system.ask(ref(kind, actor), { type: 'note', text });
    },
    settled: async () => {
      await eventually(
        async () => {
          const { state } = await bus.manager.streams.info(STREAM.journal);
          let open = 0;
          for await (const { num_pending, num_ack_pending } of bus.manager.consumers.list(STREAM.journal)) {
            open += num_pending + num_ack_pending;
          }
          return state.messages > 0 && open === 0 ? true : undefined;
        },
        { within: 30_000, what: 'all effects settled' },
      );
    },
    stop: async () => {
      await system.stop();
      await server.stop();
    },
  };
}
