import { assign, setup } from 'xstate';
import type { MintBatchRecord, MintBatchState } from '../site/minting/batch.js';
import { amountsOf } from '../site/minting/item.js';
import type {
  BeginOrder,
  BuildOrder,
  MintBatchContext,
  MintBatchEvent,
  SentOrder,
  SignOrder,
} from './mint-batch/events.js';
import { partBatch, unmintableWallets, type Parts } from './mint-batch/parts.js';
import { recordOf, retryDelayMs } from './mint-batch/record.js';

/** The change of a batch that everybody outside hears of, with the batch as it is after it. */
export interface BatchAnnouncement {
  readonly batch: MintBatchRecord;
}

interface Args {
  readonly context: MintBatchContext;
  readonly event: MintBatchEvent;
}

/** Results of an earlier attempt change nothing. */
const isOfThisAttempt = ({ context, event }: Args): boolean => 'attempt' in event && event.attempt === context.attempt;
const blamedBy = ({ event }: Args): readonly string[] => (event.type === 'failed' ? event.wallets : []);

const chart = setup({
  types: { context: {} as MintBatchContext, events: {} as MintBatchEvent, input: {} as { id: string } },
  delays: { retryDelay: ({ context }) => retryDelayMs(context) },
  guards: {
    hasItems: ({ event }) => event.type === 'collect' && event.items.length > 0,
    isOfThisAttempt,
    hasNothingToMint: ({ context }) =>
      unmintableWallets(context.items).length === 0 && amountsOf(context.items).length === 0,
    isUnmintable: ({ context }) => unmintableWallets(context.items).length > 0,
    canBeParted: ({ context: { items } }) => {
      const wallets = unmintableWallets(items);
      return wallets.length > 0 && partBatch(items, wallets) !== null;
    },
    partsByFailure: (args) =>
      isOfThisAttempt(args) &&
      args.event.type === 'failed' &&
      args.event.failure === 'members' &&
      partBatch(args.context.items, blamedBy(args)) !== null,
    /** Or it was tried often enough. */
    isHopeless: (args) => {
      const { context, event } = args;
      if (!isOfThisAttempt(args)) return false;
      return (event.type === 'failed' && event.failure !== 'again') || context.failures >= context.policy.maxRetries;
    },
  },
  actions: {
    adopt: assign(({ event }) =>
      event.type === 'collect'
        ? { items: event.items, parent: event.parent, policy: event.policy, createdAt: event.at }
        : {},
    ),
    enter: assign(({ event }, { state }: { state: MintBatchState }) => ({ state, since: event.at })),
    beginAttempt: assign(({ context }) => ({ attempt: context.attempt + 1, transaction: null })),
    beginAnew: assign({ failures: 0 }),
    keepTransaction: assign(({ context, event }) => {
      if (event.type === 'built') {
        const { feeEstimate, rentEstimate } = event;
        return { transaction: { signature: null, lastValidBlockHeight: null, feeEstimate, rentEstimate } };
      }
      if (event.type !== 'signed' || context.transaction === null) return {};
      const { signature, lastValidBlockHeight } = event;
      return { transaction: { ...context.transaction, signature, lastValidBlockHeight } };
    }),
    keepOutcome: assign(({ event }) =>
      event.type === 'confirmed' ? { outcome: { slot: event.slot, fee: event.fee }, lastError: null } : {},
    ),
    keepError: assign(({ context, event }) =>
      event.type === 'failed' || event.type === 'expired'
        ? { failures: context.failures + 1, lastError: { at: event.at, error: event.error } }
        : {},
    ),
    blameItems: assign(({ context, event }) => {
      const wallets = unmintableWallets(context.items);
      const message = `no tokens can be minted for ${wallets.join(', ')}: no address of 32 bytes in base58, or an amount above 2^64 − 1`;
      return { lastError: { at: event.at, error: { code: 'mint.unmintable', category: 'invalid', message } } as const };
    }),

    // Effects; actors/mint-batch.ts carries them out.
    build: (_, _order: BuildOrder) => undefined,
    sign: (_, _order: SignOrder) => undefined,
    submit: (_, _order: SentOrder) => undefined,
    confirm: (_, _order: SentOrder) => undefined,
    begin: (_, _order: BeginOrder) => undefined,
    report: (_, _announcement: BatchAnnouncement) => undefined,
    announce: (_, _announcement: BatchAnnouncement) => undefined,
  },
});

const enter = (state: MintBatchState) => ({ type: 'enter', params: { state } }) as const;
const announce = { type: 'announce', params: ({ context }: Args) => ({ batch: recordOf(context) }) } as const;
/** To the minter, that it knows what is under way. */
const report = { ...announce, type: 'report' } as const;
const build = {
  type: 'build',
  params: ({ context: { id, attempt, items } }: Args) => ({ attempt, batch: id, amounts: amountsOf(items) }),
} as const;
/** The minter believes one that is tried again to be at rest. */
const reportAgain = chart.enqueueActions(({ context, enqueue }) => {
  if (context.attempt > 1) enqueue({ type: 'report', params: { batch: recordOf(context) } });
});
const sign = {
  type: 'sign',
  params: ({ context, event }: Args) => ({
    attempt: context.attempt,
    plan: event.type === 'built' ? event.plan : null,
  }),
} as const;
const sent = ({ context, event }: Args): SentOrder => ({
  attempt: context.attempt,
  signature: context.transaction?.signature ?? '',
  lastValidBlockHeight: context.transaction?.lastValidBlockHeight ?? 0,
  transaction: event.type === 'signed' ? event.transaction : null,
});

/** Its parts go on as batches of their own, whose ids follow from its own; the minter hears of them before they begin. */
const part = (blame: (args: Args) => readonly string[]) =>
  chart.enqueueActions(({ context, event, enqueue }) => {
    const { id, items, policy } = context;
    const parts: Parts = partBatch(items, blame({ context, event })) ?? [items, []];
    const orders = parts.map((items, index): BeginOrder => ({ id: `${id}-${index + 1}`, parent: id, items, policy }));
    const parted = { state: 'split', since: event.at, children: orders.map((order) => order.id) } as const;
    enqueue.assign(parted);
    enqueue({ type: 'report', params: { batch: recordOf({ ...context, ...parted }) } });
    for (const params of orders) enqueue({ type: 'begin', params });
  });
const partByFailure = part(blamedBy);
const partUnmintable = part(({ context }) => unmintableWallets(context.items));

/** Nothing has been sent, or what was sent has come to nothing: a new transaction cannot be a second one. */
const whenFailed = [
  { guard: 'partsByFailure', actions: ['keepError', partByFailure], target: 'split' },
  { guard: 'isHopeless', actions: 'keepError', target: 'parked' },
  { guard: 'isOfThisAttempt', actions: 'keepError', target: 'retrying' },
] as const;
/** What the chain says of a transaction that may have been sent. */
const whenDecided = {
  confirmed: { guard: 'isOfThisAttempt', actions: 'keepOutcome', target: 'settled' },
  failed: whenFailed,
  expired: [
    { guard: 'isHopeless', actions: 'keepError', target: 'parked' },
    { guard: 'isOfThisAttempt', actions: 'keepError', target: 'retrying' },
  ],
} as const;

/**
 * A batch of readings that becomes tokens by one transaction, or by none:
 *
 *     collecting ─collect→ validating → building → signing → submitting → confirming ─confirmed→ settled
 *     building, signing, confirming ─failed→ retrying ─after a while, or retry→ building
 *                                          → split (its parts go on)  → parked ─retry→ validating
 *     confirming ─expired→ retrying
 *
 * Its effects are durable: each is run until it has given one result, whatever happens to the node meanwhile. What makes it
 * exactly once is the order of things: a transaction is in the journal before it is sent, and once it may have been sent
 * another one is built only when the chain has said that the first failed, or can never be taken any more.
 */
export const mintBatchMachine = chart.createMachine({
  id: 'mint-batch',
  context: ({ input }) => ({
    id: input.id,
    ...{ state: 'collecting', since: 0, createdAt: 0, parent: null, items: [], attempt: 0, failures: 0 },
    policy: { maxRetries: 0, initialDelayMs: 0 },
    ...{ transaction: null, outcome: null, lastError: null, children: [] },
  }),
  initial: 'collecting',
  states: {
    collecting: { on: { collect: { guard: 'hasItems', actions: 'adopt', target: 'validating' } } },
    /** Passed through at once. */
    validating: {
      always: [
        { guard: 'hasNothingToMint', target: 'settled' },
        { guard: 'canBeParted', actions: ['blameItems', partUnmintable], target: 'split' },
        { guard: 'isUnmintable', actions: 'blameItems', target: 'parked' },
        { target: 'building' },
      ],
    },
    building: {
      entry: ['beginAttempt', enter('building'), build, announce, reportAgain],
      on: {
        built: { guard: 'isOfThisAttempt', actions: 'keepTransaction', target: 'signing' },
        failed: whenFailed,
      },
    },
    signing: {
      entry: [enter('signing'), sign, announce],
      on: {
        signed: { guard: 'isOfThisAttempt', actions: 'keepTransaction', target: 'submitting' },
        failed: whenFailed,
      },
    },
    /** From here on it may have been sent. */
    submitting: {
      entry: [enter('submitting'), { type: 'submit', params: sent }, { type: 'confirm', params: sent }, announce],
      on: { submitted: { guard: 'isOfThisAttempt', target: 'confirming' }, ...whenDecided },
    },
    confirming: { entry: [enter('confirming'), announce], on: whenDecided },
    retrying: {
      entry: [enter('retrying'), announce, report],
      on: { retry: 'building' },
      after: { retryDelay: 'building' },
    },
    /** Visible until somebody has it tried again. */
    parked: {
      entry: [enter('parked'), announce, report],
      on: { retry: { actions: 'beginAnew', target: 'validating' } },
    },
    settled: { entry: [enter('settled'), announce, report] },
    split: { entry: [enter('split'), announce] },
  },
});
