import type { JournalEntry } from '../../bus/messages.js';
import type { BatchAnnouncement } from '../../machines/mint-batch.js';
import type { MintBatchRecord, MintBatchState } from '../../site/minting/batch.js';
import type { MintItem } from '../../site/minting/item.js';
import type { LedgerRow, LedgerStatus } from '../../site/minting/ledger.js';

/** What the effects of a meter's entry say of the readings in them. */
const OF_METERS: Readonly<Record<string, LedgerStatus>> = {
  accepted: 'accepted',
  held: 'held',
  released: 'accepted',
  refused: 'refused',
};
/** What the states of a batch are for its readings; those of one that was split go on in its parts. */
const OF_BATCHES: Readonly<Record<Exclude<MintBatchState, 'split'>, LedgerStatus>> = {
  collecting: 'minting',
  building: 'minting',
  signing: 'minting',
  submitting: 'minting',
  confirming: 'minting',
  retrying: 'minting',
  settled: 'minted',
  parked: 'failed',
};

/** What an entry of a meter's journal says of readings. */
export function rowsOfMeter({ effects, at }: JournalEntry, meter: string): LedgerRow[] {
  return effects.flatMap(({ type, params }) => {
    const status = OF_METERS[type];
    if (status === undefined) return [];
    const { items } = params as { readonly items: readonly Omit<MintItem, 'meter'>[] };
    return items.map((item) => rowOf({ ...item, meter }, { status, batch: '', signature: '', since: at }));
  });
}

/** The readings that an entry puts into its batch; undefined: it is not the batch's first. */
export function itemsOfBatch({ event }: JournalEntry): readonly MintItem[] | undefined {
  return event.type === 'collect' ? (event as unknown as { items: readonly MintItem[] }).items : undefined;
}

/**
 * What an entry of a batch's journal changes for its readings; undefined: nothing that the ledger shows. On its way to the
 * chain a batch passes through states that are one status here.
 */
export function changeOfBatch({ event, effects }: JournalEntry): MintBatchRecord | undefined {
  const announcement = effects.findLast(({ type }) => type === 'announce');
  if (announcement === undefined) return undefined;
  const { batch } = announcement.params as BatchAnnouncement;
  if (batch.state === 'split') return undefined;
  const isNews = event.type === 'collect' || event.type === 'retry' || OF_BATCHES[batch.state] !== 'minting';
  return isNews ? batch : undefined;
}

/** The rows of a batch's readings as an entry leaves them. */
export function rowsOfBatch(items: readonly MintItem[], batch: MintBatchRecord): LedgerRow[] {
  const { id, state, since, transaction } = batch;
  if (state === 'split') return [];
  const status = OF_BATCHES[state];
  const signature = status === 'minted' ? (transaction?.signature ?? '') : '';
  return items.map((item) => rowOf(item, { status, batch: id, signature, since }));
}

function rowOf(
  { meter, sequence, start, end, energy, tokens, wallet, user }: MintItem,
  standing: Pick<LedgerRow, 'status' | 'batch' | 'signature' | 'since'>,
): LedgerRow {
  return { meter, sequence, start, end, energy, tokens, wallet, user, ...standing };
}
