import type { EventBody } from '../../bus/messages.js';
import { makeRef } from '../../bus/subjects.js';
import type { CommandOf, Kind } from '../runtime/kind.js';
import { durable, type DurableEffect, type EffectPolicy } from '../runtime/outbox/effect.js';

/** Of `tellSink`. */
export interface TellSinkOptions<Params, K extends Kind, C = CommandOf<K>> {
  /** Kind of the actor that gets the command. */
  readonly kind: K;
  /** Its id. */
  readonly id: (params: Params) => string;
  /** What it is told. */
  readonly command: (params: Params) => C;
  readonly policy?: Partial<EffectPolicy>;
}

/**
 * A durable effect that queues a command to another actor, with the effect's key as the command's id: the actor does it
 * once, however often it arrives (an actor knows its last 256 commands). It has succeeded when the command lies in the
 * queue; what the actor says to it nobody hears, and a command that it cannot take goes to the dead letters.
 *
 *     const command = ({ cents }: Payment) => ({ type: 'pay', cents }) as const;
 *     … effects: { book: tellSink({ kind: account, id: ({ to }: Payment) => to, command }) }
 */
export function tellSink<Params, K extends Kind, const C extends CommandOf<K> = CommandOf<K>>(
  options: TellSinkOptions<Params, K, C>,
): DurableEffect<Params> {
  const { kind, id, command, policy } = options;
  return durable<Params>(
    ({ params, tell }) => tell(makeRef(kind.kind, id(params)), command(params) as unknown as EventBody),
    policy,
  );
}
