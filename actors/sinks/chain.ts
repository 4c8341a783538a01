import { createHash } from 'node:crypto';
import { Kvm, type KV } from '@nats-io/kv';
import type { Bus } from '../../bus/connection.js';
import { StatewattError } from '../../errors/error.js';
import type { MintClient, MintItem, SignedMint } from '../../protocols/solana/mint-client.js';
import {
  durable,
  EffectRefused,
  type DurableEffect,
  type DurableRun,
  type EffectPolicy,
} from '../runtime/outbox/effect.js';

/** Where signed transactions are kept before they are sent, by the key of their effect. */
const BUCKET = 'CHAIN_EFFECTS';
const POLL_MS = 500;
/** A transaction is confirmed or expired within about a minute. */
const POLICY: Partial<EffectPolicy> = { timeoutMs: 120_000 };

/** Of `mintSink`. */
export interface MintSinkOptions<Params> {
  readonly bus: Bus;
  readonly client: Pick<MintClient, 'plan' | 'sign' | 'send' | 'outcome'>;
  /** Amounts for wallets; all of them have to fit one transaction. */
  readonly items: (params: Params, run: DurableRun<Params>) => readonly MintItem[];
  /** Default: tried for two minutes at a time. */
  readonly policy?: Partial<EffectPolicy>;
}

/**
 * A durable effect that mints tokens on Solana once. The signed transaction is kept under the effect's key before it is sent,
 * and asked after first when the effect is run again; only one that can never be taken any more is signed anew. Of two nodes
 * that run the effect at once both send the same transaction, and the chain takes it once.
 *
 *     effects: { reward: mintSink({ bus, client, items: ({ wallet, amount }: Reward) => [{ wallet, amount: BigInt(amount) }] }) }
 */
export function mintSink<Params>(options: MintSinkOptions<Params>): DurableEffect<Params> {
  const { bus, client, items } = options;
  let bucket: Promise<KV> | undefined;
  const open = (): Promise<KV> => {
    bucket ??= new Kvm(bus.nats).create(BUCKET, { replicas: bus.replicas, history: 1 }).catch((error: unknown) => {
      bucket = undefined; // The next run tries again.
      throw error;
    });
    return bucket;
  };
  return durable<Params>(
    async (run) => {
      const kept = new Kept(await open(), run.key);
      for (;;) {
        run.signal.throwIfAborted();
        const known = await kept.read();
        const signed = known ?? (await kept.write(await sign(client, items(run.params, run), run.key)));
        // Known from before: perhaps it is on the chain, perhaps it was never sent.
        if (known === undefined || (await client.outcome(signed)).status === 'pending') await send(client, signed);
        if (await isDone(client, signed, run.signal)) return;
        await kept.forget();
      }
    },
    { ...POLICY, ...options.policy },
  );
}

/** The signed transaction of one effect. Of several writers the first counts. */
class Kept {
  readonly #kv: KV;
  readonly #key: string;
  #revision = 0;

  constructor(kv: KV, effect: string) {
    this.#kv = kv;
    // Ids of actors may hold what keys of a bucket may not.
    this.#key = createHash('sha256').update(effect).digest('hex');
  }

  async read(): Promise<SignedMint | undefined> {
    const entry = await this.#kv.get(this.#key);
    this.#revision = entry?.revision ?? 0;
    return entry === null || entry.length === 0 ? undefined : entry.json<SignedMint>();
  }

  /** @throws when another writer was first: what that one has written counts, at the next run */
  async write(signed: SignedMint): Promise<SignedMint> {
    const value = JSON.stringify(signed);
    this.#revision =
      this.#revision === 0
        ? await this.#kv.create(this.#key, value)
        : await this.#kv.update(this.#key, value, this.#revision);
    return signed;
  }

  /** Its transaction has expired. @throws as `write` */
  async forget(): Promise<void> {
    this.#revision = await this.#kv.update(this.#key, '', this.#revision);
  }
}

/** @throws EffectRefused for what can never be minted */
async function sign<Params>(
  client: MintSinkOptions<Params>['client'],
  items: readonly MintItem[],
  key: string,
): Promise<SignedMint> {
  const { transactions, refused } = await client.plan(batchOf(key), items);
  const [first] = refused;
  if (first !== undefined) throw new EffectRefused(first.message, { code: first.code, item: first.item });
  const [plan, more] = transactions;
  if (plan === undefined || more !== undefined) {
    throw new EffectRefused(`${items.length} amounts take ${transactions.length} transactions; an effect is one`);
  }
  return client.sign(plan);
}

async function send<Params>(client: MintSinkOptions<Params>['client'], signed: SignedMint): Promise<void> {
  try {
    await client.send(signed);
  } catch (error) {
    // Tried out and found to fail: it was not sent, and the next time is no better.
    if (error instanceof StatewattError && ['invalid', 'conflict'].includes(error.category)) {
      throw new EffectRefused(error.message, { code: error.code });
    }
    throw error;
  }
}

/** False: it has expired. @throws EffectRefused when it is on the chain without effect */
async function isDone<Params>(
  client: MintSinkOptions<Params>['client'],
  signed: SignedMint,
  signal: AbortSignal,
): Promise<boolean> {
  for (;;) {
    const outcome = await client.outcome(signed);
    switch (outcome.status) {
      case 'confirmed':
        return true;
      case 'expired':
        return false;
      case 'failed':
        throw new EffectRefused(outcome.failure.message, { code: outcome.failure.code, signature: signed.signature });
      case 'pending':
        signal.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** The memo names the effect, shortened to what a memo takes. */
function batchOf(key: string): string {
  return `effect-${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;
}
