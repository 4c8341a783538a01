import { formatRef, parseRef, partitionOf } from '../../../bus/subjects.js';
import { durable, type DurableEffect } from '../outbox/effect.js';
import type { Control } from './control.js';
import { EFFECT, type ChildStart } from './family.js';
import { supervisorRef } from './supervisor-ref.js';

type Told = { readonly ref: string };

/**
 * The actions by which a chart starts and stops children, for `setup`. They do nothing there: the runtime carries out
 * what stands in the journal.
 *
 *     setup({ actions: { ...childActions } }).createMachine({
 *       on: { open: { actions: { type: 'spawnChild', params: ({ event }) => ({ ref: `lane/${event.lane}` }) } } },
 *     })
 */
export const childActions = {
  /** Starts a child; one that was given up or stopped begins again. */
  spawnChild: (_: unknown, _params: ChildStart): void => undefined,
  /** Ends a child for good. */
  stopChild: (_: unknown, _params: { readonly ref: string }): void => undefined,
};

/** What the outbox does for every kind that supervises: a word to a child, wherever it lives, until it is queued. */
export const childEffects: Readonly<Record<string, DurableEffect<unknown>>> = {
  [EFFECT.spawn]: durable<ChildStart>(async ({ ref, params, tell }) => {
    const child = parseRef(params.ref);
    const { restart = 'permanent' } = params;
    // First: from here on the next owner of the child's partition brings it to life, if its kind is always on.
    if (restart === 'permanent') await tell(supervisorRef(partitionOf(child)), { type: 'keep', ref: params.ref });
    await tell(child, { type: 'statewatt.adopt', by: formatRef(ref), restart } satisfies Control);
  }) as DurableEffect<unknown>,
  [EFFECT.stop]: durable<Told>(async ({ ref, params, tell }) => {
    const child = parseRef(params.ref);
    await tell(child, { type: 'statewatt.stop', by: formatRef(ref) } satisfies Control);
    await tell(supervisorRef(partitionOf(child)), { type: 'drop', ref: params.ref });
  }) as DurableEffect<unknown>,
  [EFFECT.restart]: durable<Told & { delayMs: number }>(({ ref, params, tell }) => {
    const { delayMs } = params;
    return tell(parseRef(params.ref), { type: 'statewatt.restart', by: formatRef(ref), delayMs } satisfies Control);
  }) as DurableEffect<unknown>,
  [EFFECT.halt]: durable<Told & { reason: string }>(({ ref, params, tell }) => {
    const { reason } = params;
    return tell(parseRef(params.ref), { type: 'statewatt.halt', by: formatRef(ref), reason } satisfies Control);
  }) as DurableEffect<unknown>,
};
