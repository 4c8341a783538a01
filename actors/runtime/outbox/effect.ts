import type { EventBody } from '../../../bus/messages.js';
import type { Ref } from '../../../bus/subjects.js';
import { StatewattError } from '../../../errors/error.js';

/** How long a durable effect is tried before it is parked in the dead letters. */
export interface EffectPolicy {
  /** Runs in all, the first one included. */
  readonly attempts: number;
  /** Between two runs: exponential, with jitter: initial · 2^(n−1), at most max. */
  readonly backoffMs: { readonly initial: number; readonly max: number };
  /** One run that takes longer is aborted and counts as failed. */
  readonly timeoutMs: number;
}

/** What a durable effect that says nothing gets. */
export const DEFAULT_EFFECT_POLICY: EffectPolicy = {
  attempts: 8,
  backoffMs: { initial: 500, max: 30_000 },
  timeoutMs: 10_000,
};

/** One run of a durable effect. The actor itself may live elsewhere by now, or not at all. */
export interface DurableRun<Params> {
  /** As they stand in the journal: JSON. */
  readonly params: Params;
  readonly ref: Ref;
  /** `ref#seq.n`: the same for every run of this effect, for ever. What has it already must not do it again. */
  readonly key: string;
  /** Journal sequence of the entry; rises with every entry of the actor. */
  readonly seq: number;
  /** 1 for the first run of this owner. */
  readonly attempt: number;
  /** Aborted at the timeout, and when this node has lost the actor's partition. */
  readonly signal: AbortSignal;
  /** W3C traceparent for what the effect sends. */
  readonly traceparent: string;
  /** Queues a command to another actor, with `key` as its id. */
  readonly tell: (to: Ref, command: EventBody) => Promise<void>;
}

/** An effect that is run from the journal until it has succeeded, whatever happens to the node. Made by `durable`. */
export interface DurableEffect<Params> {
  readonly durable: true;
  /** Carries it out; may be called again with the same key. */
  readonly run: (run: DurableRun<Params>) => Promise<void>;
  readonly policy: EffectPolicy;
}

/** A run that no repetition can help: the effect is parked at once. Code `effects.refused`. */
export class EffectRefused extends StatewattError {
  constructor(message: string, details?: Record<string, unknown>) {
    super('effects.refused', 'invalid', message, details === undefined ? {} : { details });
  }
}

/**
 * Makes an effect durable: it is run at least once after its entry is in the journal, in the order of the actor's
 * entries, by whichever node owns the actor's partition, and with the same key each time. `run` succeeds when it
 * resolves; it may throw `EffectRefused`.
 *
 *     effects: {
 *       notify: durable(async ({ params, key, signal }) => {
 *         const headers = { 'content-type': 'application/json', 'idempotency-key': key };
 *         const reply = await fetch(url, { method: 'POST', headers, body: JSON.stringify(params), signal });
 *         if (!reply.ok) throw new Error(`answered ${reply.status}`);
 *       }),
 *     }
 *
 * @throws `kind.invalid_effect`
 */
export function durable<Params>(
  run: (run: DurableRun<Params>) => Promise<void>,
  policy: Partial<EffectPolicy> = {},
): DurableEffect<Params> {
  const whole = { ...DEFAULT_EFFECT_POLICY, ...policy };
  const { attempts, backoffMs, timeoutMs } = whole;
  const right =
    Number.isInteger(attempts) &&
    attempts >= 1 &&
    backoffMs.initial >= 0 &&
    backoffMs.max >= backoffMs.initial &&
    timeoutMs > 0;
  if (right) return { durable: true, run, policy: whole };
  throw new StatewattError(
    'kind.invalid_effect',
    'invalid',
    `a durable effect with ${JSON.stringify(whole)}; allowed: attempts a whole number from 1, 0 ≤ initial ≤ max, timeoutMs above 0`,
  );
}
