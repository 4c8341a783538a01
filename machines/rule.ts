import { assign, enqueueActions, setup } from 'xstate';
import type { Execution, FramePositions, Rule } from '../site/rules/rule.js';
import type { RuleContext, RuleEvent } from './rule/context.js';
import {
  addExecution,
  nextAction,
  nextActions,
  settleAction,
  skipPending,
  type ActionOrder,
  type Outgoing,
  type Publication,
  type WebhookCall,
} from './rule/executions.js';
import {
  nextWithdrawal,
  noteSettled,
  NOTHING_STANDING,
  skipRaises,
  withdraw,
  withdrawLeft,
} from './rule/withdrawals.js';

export type { RuleContext, RuleEvent, RuleSource } from './rule/context.js';

/** A rule of a loop that would fire once more after so many times within a minute is stopped. */
export const LOOP_FIRINGS = 10;
const LOOP_WINDOW_MS = 60_000;

/** What is known of a rule that is not there. */
const NOTHING = {
  rule: null,
  source: null,
  revision: null,
  loop: null,
  condition: null,
  values: {},
  upTo: {},
  firings: [],
  stoppedBecause: null,
  executions: [],
} as const;

const watch = {
  type: 'watch',
  params: ({ context }: { context: RuleContext }) => ({ rule: context.rule, upTo: context.upTo ?? {} }),
} as const;
const execute = (trigger: Execution['trigger']) => ({ type: 'execute', params: { trigger } }) as const;

interface TakeNext {
  readonly type: 'takeNext';
  readonly params: { readonly order: ActionOrder | null };
}
const enqueuing = enqueueActions<
  RuleContext,
  RuleEvent,
  undefined,
  RuleEvent,
  never,
  Outgoing | TakeNext,
  never,
  never,
  never
>;
/** Goes on with the actions, from where they are; after an activation what was ordered is ordered again. */
const advance = enqueuing(({ context, event, enqueue }) => {
  const withdrawal = nextWithdrawal(context);
  if (withdrawal !== null) {
    enqueue({ type: 'takeNext', params: { order: withdrawal } });
    return;
  }
  const { executions, outgoing, order } = nextActions(context, context.rule, event.at);
  for (const message of outgoing) enqueue(message);
  if (outgoing.length > 0) enqueue.assign(executions);
  enqueue({ type: 'takeNext', params: { order } });
});

/** The rule becomes another one, or none, and the alarms that only the present one would clear are withdrawn. */
const replaceBy = (
  next: (context: RuleContext, event: RuleEvent) => Partial<RuleContext>,
  reason: (event: RuleEvent) => string,
) =>
  enqueuing(({ context, event, enqueue }) => {
    const facts = next(context, event);
    if ('keepsAlarms' in event) {
      enqueue.assign(facts);
      return;
    }
    const rule = facts.rule === undefined ? null : facts.rule;
    const standing = withdraw(context, rule, reason(event), event.at);
    enqueue.assign({ ...facts, ...standing });
    if (standing.withdrawn === context.withdrawn) return;
    enqueue({ type: 'takeNext', params: { order: nextWithdrawal(standing) } });
  });

/** What a former definition has raised is cleared when the condition of the present one is false. */
const withdrawWhatIsLeft = enqueuing(({ context, event, enqueue }) => {
  const isFalse = 'value' in event && event.value === false;
  if (!isFalse || context.left.length === 0) return;
  const standing = withdrawLeft(context, event.at);
  enqueue.assign(standing);
  enqueue({ type: 'takeNext', params: { order: nextWithdrawal(standing) } });
});

/** In every state in which the condition is watched. */
const whileWatching = {
  disable: { actions: 'turnOff', target: 'disabled' },
  activated: { actions: [watch, 'advance'] },
  evaluate: {
    actions: {
      type: 'evaluateNow',
      params: ({ event }: { event: { request: string } }) => ({ request: event.request }),
    },
  },
  execute: { actions: [execute('manual'), 'advance'] },
  configure: [
    { guard: 'turnedOff', actions: 'adopt', target: 'disabled' },
    { guard: 'differs', actions: ['adopt', 'forgetCondition', watch], target: 'waiting', reenter: true },
  ],
  update: [
    { guard: 'changedToOff', actions: 'adopt', target: 'disabled' },
    { guard: 'ofCallers', actions: ['adopt', 'forgetCondition', watch], target: 'waiting', reenter: true },
  ],
} as const;

/**
 * A rule: whether its condition is watched, when it fires, and what became of its actions, which are taken one after
 * the other. The condition is evaluated outside, on every frame; only its changes come here.
 *
 *     disabled ─enable→ waiting ─true→ holding ─hold time and cooldown are over→ active ─false→ waiting
 *     a rule of a loop that fires again and again ─→ stopped ─enable→ waiting
 *
 * What is unknown ends a hold, and leaves an active rule active.
 */
export const ruleMachine = setup({
  types: { context: {} as RuleContext, events: {} as RuleEvent },
  delays: { readiness: ({ context, event }) => readiness(context, event.at) },
  guards: {
    configured: ({ context }) => context.rule !== null,
    turnedOn: ({ context, event }) =>
      event.type === 'configure' && event.rule.enabled && context.rule?.enabled !== true,
    turnedOff: ({ context, event }) =>
      event.type === 'configure' && !event.rule.enabled && context.rule?.enabled === true,
    ofCallers: ({ context }) => context.source === 'caller',
    ofItsSource: ({ context, event }) => event.type === 'remove' && event.source === context.source,
    isNew: ({ context }) => context.source === null,
    isNewAndOn: ({ context, event }) => context.source === null && event.type === 'create' && event.rule.enabled,
    changedToOn: ({ context, event }) => context.source === 'caller' && event.type === 'update' && event.rule.enabled,
    changedToOff: ({ context, event }) => context.source === 'caller' && event.type === 'update' && !event.rule.enabled,
    otherLoop: ({ context, event }) => event.type === 'relate' && context.rule !== null && event.loop !== context.loop,
    differs: ({ context, event }) => event.type === 'configure' && event.revision !== context.revision,
    isTrue: ({ event }) => 'value' in event && event.value === true,
    isFalse: ({ event }) => 'value' in event && event.value === false,
    isReady: ({ context, event }) => 'value' in event && event.value === true && readiness(context, event.at) === 0,
    isReadyInLoop: ({ context, event }) =>
      'value' in event && event.value === true && readiness(context, event.at) === 0 && isLooping(context, event.at),
    isLooping: ({ context, event }) => isLooping(context, event.at),
    isAwaited: ({ context, event }) => {
      if (event.type !== 'action.done' && event.type !== 'action.failed') return false;
      const order = nextOrder(context);
      return order?.execution === event.execution && order.index === event.index;
    },
  },
  actions: {
    enter: assign({ since: ({ event }) => (event as { at?: number }).at ?? 0 }),
    adopt: replaceBy(
      (context, event) => {
        if (event.type !== 'configure' && event.type !== 'create' && event.type !== 'update') return {};
        const { rule, at } = event;
        const told =
          event.type === 'configure'
            ? ({ source: 'site', revision: event.revision, loop: event.loop } as const)
            : ({ source: 'caller', revision: null } as const);
        const createdAt = context.source === null ? at : context.createdAt;
        return { ...skipPending(context), ...told, rule, firings: [], createdAt, updatedAt: at };
      },
      (event) => ('rule' in event && event.rule.enabled ? 'rule changed' : 'rule disabled'),
    ),
    /** But for the number of its executions: the keys of actions name them for ever. */
    forget: replaceBy(
      (_, event) => ({ ...NOTHING, updatedAt: event.at }),
      () => 'rule removed',
    ),
    /** What it has begun it ends, but it raises no alarm that it could not clear any more. */
    turnOff: replaceBy(
      (context) => skipRaises(context),
      () => 'rule disabled',
    ),
    withdrawLeft: withdrawWhatIsLeft,
    relate: assign(({ event }) => (event.type === 'relate' ? { loop: event.loop } : {})),
    forgetCondition: assign({ condition: null, values: {}, upTo: {} }),
    noteCondition: assign(({ event }) =>
      'value' in event ? { condition: event.value, values: event.values, upTo: event.upTo ?? {} } : {},
    ),
    noteFiring: assign({
      firings: ({ context, event }) => [...context.firings, event.at].slice(-LOOP_FIRINGS),
      left: [], // It raises them itself now.
    }),
    noteLoop: assign({
      stoppedBecause: ({ context }) =>
        `it fired ${LOOP_FIRINGS} times within a minute, and it may set itself off: ${context.loop}`,
    }),
    clearStop: assign({ stoppedBecause: null, firings: [] }),
    execute: assign(({ context, event }, { trigger }: { trigger: Execution['trigger'] }) => {
      const { condition, values } = 'value' in event ? { condition: event.value, values: event.values } : context;
      const moment = trigger === 'returns' ? 'returns' : 'fires';
      const request = 'request' in event ? { request: event.request } : {};
      return addExecution(context, context.rule, moment, { at: event.at, trigger, condition, values, ...request });
    }),
    /** A manual evaluation that does not make the rule fire is noted, and takes no action. */
    look: assign(({ context, event }) =>
      event.type === 'evaluated'
        ? addExecution(context, context.rule, null, {
            at: event.at,
            trigger: 'manual',
            request: event.request,
            condition: event.value,
            values: event.values,
          })
        : {},
    ),
    settle: assign(({ context, event }) => {
      if (event.type !== 'action.done' && event.type !== 'action.failed') return {};
      const order = nextOrder(context);
      if (order === null) return {};
      if (order.execution < 0) return { withdrawals: context.withdrawals.slice(1) };
      const { type, at } = event;
      const outcome =
        type === 'action.done'
          ? ({ status: 'done', at } as const)
          : ({ status: 'failed', at, error: event.error } as const);
      const standing = noteSettled(context, context.rule, order, type === 'action.done');
      return { ...settleAction(context, context.rule, outcome), standing };
    }),
    advance,

    // Effects; the actor carries them out.
    /** Evaluate the condition of the rule from now on, in place of what was watched before, and tell it once. */
    watch: (_, _params: { readonly rule: Rule | null; readonly upTo: FramePositions }) => undefined,
    unwatch: () => undefined,
    evaluateNow: (_, _params: { readonly request: string }) => undefined,
    takeNext: (_, _params: TakeNext['params']) => undefined,
    callWebhook: (_, _params: WebhookCall) => undefined,
    publishMessage: (_, _params: Publication) => undefined,
  },
}).createMachine({
  id: 'rule',
  context: { ...NOTHING, ...NOTHING_STANDING, createdAt: 0, updatedAt: 0, since: 0, executed: 0 },
  initial: 'disabled',
  on: {
    activated: { actions: 'advance' },
    'action.done': { guard: 'isAwaited', actions: ['settle', 'advance'] },
    'action.failed': { guard: 'isAwaited', actions: ['settle', 'advance'] },
    relate: { guard: 'otherLoop', actions: 'relate' },
    remove: { guard: 'ofItsSource', actions: 'forget', target: '.disabled' },
  },
  states: {
    disabled: {
      entry: ['enter', 'forgetCondition', 'unwatch'],
      on: {
        enable: { guard: 'configured', actions: watch, target: 'waiting' },
        configure: [
          { guard: 'turnedOn', actions: ['adopt', watch], target: 'waiting' },
          { guard: 'differs', actions: 'adopt' },
        ],
        create: [
          { guard: 'isNewAndOn', actions: ['adopt', watch], target: 'waiting' },
          { guard: 'isNew', actions: 'adopt' },
        ],
        update: [
          { guard: 'changedToOn', actions: ['adopt', watch], target: 'waiting' },
          { guard: 'ofCallers', actions: 'adopt' },
        ],
      },
    },
    /** The condition is false or unknown. */
    waiting: {
      entry: 'enter',
      on: {
        ...whileWatching,
        evaluated: [
          { guard: 'isTrue', actions: ['noteCondition', execute('manual')], target: 'active' },
          { actions: ['noteCondition', 'look', 'withdrawLeft'] },
        ],
        condition: [
          { guard: 'isReadyInLoop', actions: ['noteCondition', 'noteLoop'], target: 'stopped' },
          { guard: 'isReady', actions: ['noteCondition', execute('fires')], target: 'active' },
          { guard: 'isTrue', actions: 'noteCondition', target: 'holding' },
          { actions: ['noteCondition', 'withdrawLeft'] },
        ],
      },
    },
    /** The condition is true, but not for long enough, or too soon after the last firing. */
    holding: {
      entry: 'enter',
      after: {
        readiness: [
          { guard: 'isLooping', actions: 'noteLoop', target: 'stopped' },
          { actions: execute('fires'), target: 'active' },
        ],
      },
      on: {
        ...whileWatching,
        evaluated: [
          { guard: 'isTrue', actions: ['noteCondition', execute('manual')], target: 'active' },
          { actions: ['noteCondition', 'look', 'withdrawLeft'], target: 'waiting' },
        ],
        condition: [
          { guard: 'isTrue', actions: 'noteCondition' },
          { actions: ['noteCondition', 'withdrawLeft'], target: 'waiting' },
        ],
      },
    },
    /** It has fired, and its condition has not been false since. */
    active: {
      entry: ['enter', 'noteFiring', 'advance'],
      on: {
        ...whileWatching,
        condition: [
          { guard: 'isFalse', actions: ['noteCondition', execute('returns'), 'advance'], target: 'waiting' },
          { actions: 'noteCondition' },
        ],
        evaluated: [
          { guard: 'isFalse', actions: ['noteCondition', execute('returns'), 'advance'], target: 'waiting' },
          { actions: ['noteCondition', 'look'] },
        ],
      },
    },
    /** It went round in a loop; somebody must look at it. */
    stopped: {
      entry: ['enter', 'unwatch'],
      exit: 'clearStop',
      on: {
        disable: { actions: 'turnOff', target: 'disabled' },
        enable: { actions: ['forgetCondition', watch], target: 'waiting' },
        configure: [
          { guard: 'turnedOff', actions: 'adopt', target: 'disabled' },
          { guard: 'differs', actions: ['adopt', 'forgetCondition', watch], target: 'waiting' },
        ],
        update: [
          { guard: 'changedToOff', actions: 'adopt', target: 'disabled' },
          { guard: 'ofCallers', actions: ['adopt', 'forgetCondition', watch], target: 'waiting' },
        ],
      },
    },
  },
});

/** What is being done, or is to be done next. */
function nextOrder(context: RuleContext): ActionOrder | null {
  return nextWithdrawal(context) ?? nextAction(context, context.rule);
}

/** Ms until the hold time is over, when the condition has just become true, and the cooldown too. */
function readiness({ rule, firings }: RuleContext, at: number): number {
  const last = firings.at(-1);
  const cooling = last === undefined ? 0 : last + (rule?.cooldownMs ?? 0) - at;
  return Math.max(0, rule?.holdMs ?? 0, cooling);
}

function isLooping({ loop, firings }: RuleContext, at: number): boolean {
  return loop !== null && firings.length >= LOOP_FIRINGS && at - (firings[0] as number) < LOOP_WINDOW_MS;
}
