import Type, { type TSchema } from 'typebox';
import { makeRef, type Ref } from '../bus/subjects.js';
import { StatewattError } from '../errors/error.js';
import { mintBatchMachine, type BatchAnnouncement } from '../machines/mint-batch.js';
import { recordOf } from '../machines/mint-batch/record.js';
import type { MintBatchRecord } from '../site/minting/batch.js';
import type { MintChain } from './mint/chain.js';
import { beginBatch, MINT_BATCH, mintSteps, UNTIL_DONE } from './mint/steps.js';
import { defineKind, type Turn } from './runtime/kind.js';
import { durable } from './runtime/outbox/effect.js';
import { ref, type ActorRef } from './runtime/system.js';

const count = Type.Integer({ minimum: 0 });
const text = Type.String({ minLength: 1, maxLength: 256 });
const Amount = Type.String({ pattern: '^(0|[1-9]\\d{0,19})$' });
const Failure = Type.Unsafe<'again' | 'members' | 'never'>({ type: 'string', enum: ['again', 'members', 'never'] });
const ErrorSchema = Type.Unsafe<ReturnType<StatewattError['toJSON']>>({
  type: 'object',
  required: ['code', 'category', 'message'],
});
const Item = Type.Object({
  meter: text,
  sequence: count,
  start: count,
  end: count,
  energy: Amount,
  tokens: Amount,
  wallet: text,
  user: text,
});
const Policy = Type.Object({ maxRetries: count, initialDelayMs: Type.Number({ minimum: 0 }) });
const attempt = count;
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** Of no interest any more soon after it has come to rest. */
const PASSIVATE_AFTER_MS = 10_000;
/** Who hears what becomes of batches. */
const MINTER: Ref = makeRef('minter', 'site');

/**
 * The kind `mint-batch`: readings that become tokens by one transaction (machines/mint-batch.ts). What it does on the chain
 * are durable effects, so it need not be alive for them: they are run by whoever owns its partition, and what comes of them
 * are commands to it. `retry` is the only command of people; it answers the batch's record.
 *
 * Each change stands in the journal with the batch's record (`announce`).
 *
 * @param tell told of each change, once, by the node where the batch lives
 */
export function createMintBatchKind(chain: MintChain, tell: (batch: MintBatchRecord) => void = () => undefined) {
  return defineKind({
    kind: MINT_BATCH,
    version: 1,
    machine: mintBatchMachine,
    input: (id) => ({ id }),
    commands: (command) => ({
      collect: command(
        Type.Object({ items: Type.Array(Item, { minItems: 1 }), parent: nullable(text), policy: Policy }),
        record,
      ),
      built: command(Type.Object({ attempt, plan: Type.Unknown(), feeEstimate: Amount, rentEstimate: Amount }), record),
      signed: command(
        Type.Object({ attempt, signature: text, lastValidBlockHeight: count, transaction: Type.Unknown() }),
        record,
      ),
      submitted: command(Type.Object({ attempt }), record),
      confirmed: command(Type.Object({ attempt, slot: count, fee: nullable(Amount) }), record),
      failed: command(
        Type.Object({ attempt, failure: Failure, wallets: Type.Array(text), error: ErrorSchema }),
        record,
      ),
      expired: command(Type.Object({ attempt, error: ErrorSchema }), record),
      retry: command(Type.Object({}), answerRetry),
    }),
    effects: {
      ...mintSteps(chain),
      begin: beginBatch,
      report: durable<BatchAnnouncement>(
        ({ params: { batch }, tell }) => tell(MINTER, { type: 'reported', batch }),
        UNTIL_DONE,
      ),
      announce: ({ params: { batch } }) => tell(batch),
    },
    policy: { passivateAfterMs: PASSIVATE_AFTER_MS },
  });
}

export type MintBatchKind = ReturnType<typeof createMintBatchKind>;

/** The actor of a batch. @throws `actors.invalid_ref` */
export function mintBatchRef(kind: MintBatchKind, id: string): ActorRef<MintBatchKind> {
  return ref(kind, id);
}

type BatchTurn = Turn<typeof mintBatchMachine, unknown>;

function record({ snapshot }: BatchTurn): MintBatchRecord {
  return recordOf(snapshot.context);
}

function answerRetry({ snapshot, changed }: BatchTurn): MintBatchRecord {
  const { id, state } = snapshot.context;
  if (changed) return recordOf(snapshot.context);
  if (state === 'collecting') throw unknownBatch(id);
  throw new StatewattError(
    'mint.state',
    'conflict',
    `the batch ${id} is ${state}; only one that is parked, or waits for its next try, can be tried again`,
    { details: { state } },
  );
}

/** There is no batch of this id. */
export function unknownBatch(id: string): StatewattError {
  return new StatewattError('mint.not_found', 'not_found', `there is no mint batch ${id}`);
}
