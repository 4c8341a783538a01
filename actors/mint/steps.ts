import { makeRef } from '../../bus/subjects.js';
import { toStatewattError } from '../../errors/error.js';
import type { BeginOrder, BuildOrder, MintBatchEvent, SentOrder, SignOrder } from '../../machines/mint-batch/events.js';
import type { WithoutTime } from '../runtime/kind.js';
import { durable, type DurableEffect, type EffectPolicy } from '../runtime/outbox/effect.js';
import { MintError, type MintChain } from './chain.js';

/** A batch waits for its step for as long as it takes: what is under way must be found out. */
export const UNTIL_DONE: EffectPolicy = {
  attempts: Number.MAX_SAFE_INTEGER,
  backoffMs: { initial: 250, max: 10_000 },
  timeoutMs: 180_000,
};
/** Between two questions for a transaction: doubled up to about a slot. */
const POLL_MS = { first: 25, most: 500 } as const;
/** A transaction that is not known after so long is sent again: it may have been dropped on its way. */
const SEND_AGAIN_MS = 2_000;

/** The kind of mint batches, whose actors are told by name: a batch begins its parts. */
export const MINT_BATCH = 'mint-batch';

type Result = WithoutTime<MintBatchEvent>;

/** The durable effects of a batch. Each tells the batch one result, by its own key: the first one counts. */
export interface MintSteps {
  readonly build: DurableEffect<BuildOrder>;
  readonly sign: DurableEffect<SignOrder>;
  readonly submit: DurableEffect<SentOrder>;
  readonly confirm: DurableEffect<SentOrder>;
}

/** Begins a batch; again without consequence. */
export const beginBatch: DurableEffect<BeginOrder> = durable<BeginOrder>(
  ({ params: { id, items, parent, policy }, tell }) =>
    tell(makeRef(MINT_BATCH, id), { type: 'collect', items, parent, policy }),
  UNTIL_DONE,
);

/** The steps of a batch on a chain. */
export function mintSteps(chain: MintChain): MintSteps {
  return {
    build: step<BuildOrder>(async ({ attempt, batch, amounts }) => {
      try {
        return { type: 'built', attempt, ...(await chain.build(batch, amounts)) };
      } catch (error) {
        return failed(attempt, error);
      }
    }),
    sign: step<SignOrder>(async ({ attempt, plan }) => {
      try {
        return { type: 'signed', attempt, ...(await chain.sign(plan)) };
      } catch (error) {
        return failed(attempt, error);
      }
    }),
    submit: step<SentOrder>(async ({ attempt, ...signed }) => {
      // Whatever is answered, it may have got there; `confirm` finds out, and sends it again.
      await chain.send(signed).catch(() => undefined);
      return { type: 'submitted', attempt };
    }),
    confirm: step<SentOrder>((order, signal) => confirmed(chain, order, signal)),
  };
}

function step<Order>(run: (order: Order, signal: AbortSignal) => Promise<Result>): DurableEffect<Order> {
  return durable<Order>(async ({ params, ref, signal, tell }) => {
    const result = await run(params, signal);
    if (!signal.aborted) await tell(ref, result);
  }, UNTIL_DONE);
}

/** Asks until the chain has decided. @throws what the chain throws: it is asked again later */
async function confirmed(chain: MintChain, order: SentOrder, signal: AbortSignal): Promise<Result> {
  const { attempt, ...signed } = order;
  let sentAt = Date.now();
  for (let pauseMs: number = POLL_MS.first; ; pauseMs = Math.min(POLL_MS.most, pauseMs * 2)) {
    signal.throwIfAborted();
    const status = await chain.status(signed);
    switch (status.state) {
      case 'confirmed':
        return { type: 'confirmed', attempt, slot: status.slot, fee: status.fee };
      case 'failed':
        return failed(attempt, status.error);
      case 'expired':
        return { type: 'expired', attempt, error: expired(order).toJSON() };
      case 'pending':
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    if (Date.now() - sentAt < SEND_AGAIN_MS) continue;
    sentAt = Date.now();
    await chain.send(signed).catch(() => undefined); // Its status says what became of it.
  }
}

function failed(attempt: number, thrown: unknown): Result {
  const error = toStatewattError(thrown, 'mint.failed');
  const { failure, wallets } = thrown instanceof MintError ? thrown : { failure: 'again' as const, wallets: [] };
  return { type: 'failed', attempt, failure, wallets, error: error.toJSON() };
}

function expired({ signature, lastValidBlockHeight }: SentOrder): MintError {
  return new MintError(
    'mint.expired',
    'again',
    `the chain did not take transaction ${signature} up to block height ${lastValidBlockHeight}, and cannot take it any more`,
  );
}
