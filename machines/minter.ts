import { assign, setup } from 'xstate';
import type { MintBatchRecord, MintBatchState } from '../site/minting/batch.js';
import type { MintItem } from '../site/minting/item.js';
import type { BeginOrder, RetryPolicy } from './mint-batch/events.js';

/** A batch that the minter knows of: all that are not settled, and the last ones that are. */
export interface KnownBatch {
  readonly id: string;
  readonly state: MintBatchState;
  readonly since: number;
  readonly readings: number;
}

/** Sums since the first reading. */
export interface MinterTotals {
  readonly readings: number;
  readonly settled: number;
  /** Base units that were minted, decimal text. */
  readonly tokens: string;
  /** Lamports that were estimated for what was minted, and paid. */
  readonly feesEstimated: string;
  readonly feesPaid: string;
}

export interface MinterContext {
  /** Journal sequence up to which accepted readings are in batches. */
  readonly position: number;
  /** What somebody has told; null: as configured. */
  readonly auto: boolean | null;
  /** Somebody wants all that waits minted now. */
  readonly wanted: boolean;
  /** Not settled yet, oldest first. */
  readonly open: readonly KnownBatch[];
  /** Newest first. */
  readonly recent: readonly KnownBatch[];
  readonly totals: MinterTotals;
}

/** Accepted readings of the journal behind `after`, up to `upTo`, in batches. */
export interface CollectedEvent {
  readonly type: 'collected';
  readonly after: number;
  readonly upTo: number;
  readonly batches: readonly { readonly id: string; readonly items: readonly MintItem[] }[];
  readonly policy: RetryPolicy;
  /** Nothing is left that could be collected now. */
  readonly isAll: boolean;
  readonly at: number;
}

export type MinterEvent =
  | CollectedEvent
  | { readonly type: 'activated'; readonly at: number }
  /** Mint as readings come, or only when told to; null: as configured. */
  | { readonly type: 'auto'; readonly enabled: boolean | null; readonly at: number }
  /** All that waits, now. */
  | { readonly type: 'mint'; readonly at: number }
  | { readonly type: 'reported'; readonly batch: MintBatchRecord; readonly at: number };

/** What the live part goes by. */
export type Steering = Pick<MinterContext, 'position' | 'auto' | 'wanted'> & {
  /** Batches that are on their way to the chain. */
  readonly moving: number;
};

/** Settled batches that are kept in sight. */
export const KEPT_BATCHES = 100;

const NOT_MOVING: readonly MintBatchState[] = ['retrying', 'parked', 'settled', 'split'];

const chart = setup({
  types: { context: {} as MinterContext, events: {} as MinterEvent },
  guards: {
    /** In its turn: nothing was left out, nothing comes twice. */
    isNext: ({ context, event }) =>
      event.type === 'collected' &&
      event.after === context.position &&
      (event.upTo > context.position || (event.isAll && context.wanted)),
    isOther: ({ context, event }) => event.type === 'auto' && event.enabled !== context.auto,
    isNotWanted: ({ context }) => !context.wanted,
    isKnown: ({ context, event }) =>
      event.type === 'reported' && context.open.some((known) => isNews(known, event.batch)),
  },
  actions: {
    setAuto: assign(({ event }) => (event.type === 'auto' ? { auto: event.enabled } : {})),
    want: assign({ wanted: true }),
    hear: assign(({ context, event }) => (event.type === 'reported' ? afterReport(context, event.batch) : {})),

    // Effects; actors/minter.ts carries them out.
    begin: (_, _order: BeginOrder) => undefined,
    steer: (_, _steering: Steering) => undefined,
  },
});

const collect = chart.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'collected') return;
  const { upTo, batches, policy, isAll, at } = event;
  const begun = batches.map(({ id, items }): KnownBatch => ({
    ...{ id, state: 'collecting', since: at, readings: items.length },
  }));
  const readings = begun.reduce((sum, batch) => sum + batch.readings, context.totals.readings);
  enqueue.assign({
    position: upTo,
    open: [...context.open, ...begun],
    totals: { ...context.totals, readings },
    wanted: context.wanted && !isAll,
  });
  for (const { id, items } of batches) {
    const params: BeginOrder = { id, parent: null, items, policy };
    enqueue({ type: 'begin', params });
  }
});
const steer = {
  type: 'steer',
  params: ({ context: { position, auto, wanted, open } }: { context: MinterContext }) => ({
    ...{ position, auto, wanted },
    moving: open.filter(({ state }) => !NOT_MOVING.includes(state)).length,
  }),
} as const;

/**
 * Puts accepted readings into mint batches: each reading into one, in the order of the journal. How far it has come and the
 * batches that it makes of what it found stand in the same entry of its own journal, and each batch is begun by a durable
 * effect; so none is begun twice, and none is forgotten.
 */
export const minterMachine = chart.createMachine({
  id: 'minter',
  context: {
    ...{ position: 0, auto: null, wanted: false, open: [], recent: [] },
    totals: { readings: 0, settled: 0, tokens: '0', feesEstimated: '0', feesPaid: '0' },
  },
  initial: 'following',
  states: {
    following: {
      on: {
        activated: { actions: steer },
        collected: { guard: 'isNext', actions: [collect, steer] },
        auto: { guard: 'isOther', actions: ['setAuto', steer] },
        mint: { guard: 'isNotWanted', actions: ['want', steer] },
        reported: { guard: 'isKnown', actions: ['hear', steer] },
      },
    },
  },
});

function isNews(known: KnownBatch, { id, state, since }: MintBatchRecord): boolean {
  return known.id === id && (known.state !== state || known.since !== since);
}

function afterReport(context: MinterContext, batch: MintBatchRecord): Partial<MinterContext> {
  const { id, state, since, readings, children, tokens, transaction, outcome } = batch;
  const known: KnownBatch = { id, state, since, readings };
  if (state !== 'settled' && state !== 'split') {
    return { open: context.open.map((other) => (other.id === id ? known : other)) };
  }
  const begun = children.map((id): KnownBatch => ({ id, state: 'collecting', since, readings: 0 }));
  const open = [...context.open.filter((other) => other.id !== id), ...begun];
  const recent = [known, ...context.recent].slice(0, KEPT_BATCHES);
  if (state === 'split') return { open, recent };
  const { totals } = context;
  return {
    open,
    recent,
    totals: {
      readings: totals.readings,
      settled: totals.settled + readings,
      tokens: sum(totals.tokens, tokens),
      feesEstimated: sum(totals.feesEstimated, transaction?.feeEstimate ?? '0'),
      feesPaid: sum(totals.feesPaid, outcome?.fee ?? '0'),
    },
  };
}

function sum(a: string, b: string): string {
  return (BigInt(a) + BigInt(b)).toString();
}
