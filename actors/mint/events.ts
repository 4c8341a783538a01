import type { Bus } from '../../bus/connection.js';
import { subjects } from '../../bus/subjects.js';
import { errorMessage } from '../../errors/error.js';
import type { MintBatchContext } from '../../machines/mint-batch/events.js';
import { formatKilowattHours } from '../../site/metering/energy.js';
import type { MintBatchRecord } from '../../site/minting/batch.js';
import type { MintItem } from '../../site/minting/item.js';
import type { MeterEvent } from '../client/meter-watch.js';
import type { ActorSystem } from '../runtime/system.js';
import { MINT_BATCH } from './steps.js';

/** What is told of a batch that has come to rest, or waits for its next try: of each of its readings, then of it. */
export function eventsOfBatch(batch: MintBatchRecord, items: readonly MintItem[]): MeterEvent[] {
  const { id, state, since, retryAt, transaction, lastError } = batch;
  if (state === 'settled') {
    const minted = items.map((item): MeterEvent => ({
      ...{ type: 'TokensMinted', ...factsOf(item), tokens_minted: item.tokens },
      ...{ transaction_signature: transaction?.signature ?? null, batch_id: id },
    }));
    return [...minted, completed(id, since, items, items.length)];
  }
  if (state !== 'retrying' && state !== 'parked') return [];
  const failed = items.map((item): MeterEvent => ({
    ...{ type: 'MintFailed', ...factsOf(item), batch_id: id },
    ...{ error_code: lastError?.error.code ?? '', error_reason: lastError?.error.message ?? '' },
    retry_at: retryAt === null ? null : new Date(retryAt).toISOString(),
  }));
  return state === 'parked' ? [...failed, completed(id, since, items, 0)] : failed;
}

function factsOf({ user, wallet, meter, energy, end, sequence }: MintItem) {
  return {
    ...{ user_id: user, wallet_address: wallet, meter_id: meter, sequence },
    ...{ kwh_amount: formatKilowattHours(BigInt(energy)), timestamp: new Date(end).toISOString() },
  };
}

function completed(id: string, at: number, items: readonly MintItem[], successful: number): MeterEvent {
  let energy = 0n;
  for (const item of items) energy += BigInt(item.energy);
  return {
    type: 'BatchMintingCompleted',
    ...{ user_id: null, wallet_address: null, meter_id: null, sequence: null },
    ...{ kwh_amount: formatKilowattHours(energy), timestamp: new Date(at).toISOString() },
    ...{ batch_id: id, total: items.length, successful, failed: items.length - successful },
  };
}

/** Tells everybody who listens what becomes of batches; nobody may, and what is told while NATS is away is lost. */
export class MintTeller {
  readonly #bus: Bus;
  readonly #onTrouble: (error: string) => void;
  #system: Pick<ActorSystem, 'query'> | undefined;

  constructor(bus: Bus, onTrouble: (error: string) => void) {
    this.#bus = bus;
    this.#onTrouble = onTrouble;
  }

  /** Where the readings of batches are asked for, once it is there. */
  use(system: Pick<ActorSystem, 'query'>): void {
    this.#system = system;
  }

  /** Of a batch as it is after a change. */
  tell(batch: MintBatchRecord): void {
    if (batch.state !== 'settled' && batch.state !== 'retrying' && batch.state !== 'parked') return;
    this.#tell(batch).catch((error: unknown) => this.#onTrouble(errorMessage(error)));
  }

  async #tell(batch: MintBatchRecord): Promise<void> {
    const found = await this.#system?.query({ kind: MINT_BATCH, id: batch.id });
    const { items = [] } = (found?.context ?? {}) as Partial<MintBatchContext>;
    for (const event of eventsOfBatch(batch, items)) {
      this.#bus.nats.publish(subjects.liveReading(event.type, event.meter_id ?? '_'), JSON.stringify(event));
    }
  }
}
