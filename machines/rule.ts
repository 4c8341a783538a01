import { assign, enqueueActions, setup } from 'xstate';
import type { ErrorBody } from '../errors/error.js';
import type { Execution, PointValues, Rule } from '../site/rules/rule.js';
import {
  addExecution,
  nextAction,
  nextActions,
  settleAction,
  skipPending,
  type ActionOrder,
  type Executions,
  type Outgoing,
  type Publication,
  type WebhookCall,
} from './rule/executions.js';

/** Who says what a rule is: the site file, which has the last word on its own, or a caller. */
export type RuleSource = 'site' | 'caller';

export interface RuleContext extends Executions {
  /** null: there is no such rule. */
  readonly rule: Rule | null;
  readonly source: RuleSource | null;
  /** Names the site file's configuration in force; null for rules of callers. */
  readonly revision: string | null;
  /** When it was first defined and last changed, ms since the Unix epoch; 0 before that. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** How the rule may set itself off again, in words (site/rules/loops.ts); null: it cannot. */
  readonly loop: string | null;
  /** The condition when it was heard of last, null: unknown; and the values of its points then. */
  readonly condition: boolean | null;
  readonly values: PointValues;
  /** When the present state was entered, ms since the Unix epoch; 0 before the first event. */
  readonly since: number;
  /** When it fired, the last times, oldest first. */
  readonly firings: readonly number[];
  /** Why it was stopped; null when it was not. */
  readonly stoppedBecause: string | null;
}

export type RuleEvent =
  | { type: 'configure'; revision: string; rule: Rule; loop: string | null; at: number }
  /** Of a caller: a rule that there was not, or another one in its place. */
  | { type: 'create'; rule: Rule; at: number }
  | { type: 'update'; rule: Rule; at: number }
  | { type: 'remove'; source: RuleSource; at: number }
  /** How the rule may set itself off again has changed, because other rules have. */
  | { type: 'relate'; loop: string | null; at: number }
  | { type: 'enable'; at: number }
  | { type: 'disable'; at: number }
  | { type: 'activated'; at: number }
  /** The condition is another than it was, or is told for the first time. */
  | { type: 'condition'; value: boolean | null; values: PointValues; at: number }
  /** Somebody asks for an evaluation now; `evaluated` answers. */
  | { type: 'evaluate'; request: string; at: number }
  | { type: 'evaluated'; request: string; value: boolean | null; values: PointValues; at: number }
  | { type: 'action.done'; execution: number; index: number; at: number }
  | { type: 'action.failed'; execution: number; index: number; error: ErrorBody; at: number };

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
  firings: [],
  stoppedBecause: null,
  executions: [],
} as const;

const watch = {
  type: 'watch',
  params: ({ context }: { context: RuleContext }) => ({ rule: context.rule }),
} as const;
const execute = (trigger: Execution['trigger']) => ({ type: 'execute', params: { trigger } }) as const;

interface TakeNext {
  readonly type: 'takeNext';
  readonly params: { readonly order: ActionOrder | null; readonly rule: Rule | null };
}
/** Goes on with the actions, from where they are; after an activation what was ordered is ordered again. */
const advance = enqueueActions<
  RuleContext,
  RuleEvent,
  undefined,
  RuleEvent,
  never,
  Outgoing | TakeNext,
  never,
  never,
  never
>(({ context, event, enqueue }) => {
  const { executions, outgoing, order } = nextActions(context, context.rule, event.at);
  for (const message of outgoing) enqueue(message);
  if (outgoing.length > 0) enqueue.assign(executions);
  enqueue({ type: 'takeNext', params: { order, rule: context.rule } });
});

/** In every state in which the condition is watched. */
const whileWatching = {
  disable: 'disabled',
  activated: { actions: [watch, 'advance'] },
  evaluate: {
    actions: {
      type: 'evaluateNow',
      params: ({ event }: { event: { request: string } }) => ({ request: event.request }),
    },
  },
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
      const order = nextAction(context, context.rule);
      return order?.execution === event.execution && order.index === event.index;
    },
  },
  actions: {
    enter: assign({ since: ({ event }) => (event as { at?: number }).at ?? 0 }),
    adopt: assign(({ context, event }) => {
      if (event.type !== 'configure' && event.type !== 'create' && event.type !== 'update') return {};
      const { rule, at } = event;
      const told =
        event.type === 'configure'
          ? ({ source: 'site', revision: event.revision, loop: event.loop } as const)
          : ({ source: 'caller', revision: null } as const);
      const createdAt = context.source === null ? at : context.createdAt;
      return { ...skipPending(context), ...told, rule, firings: [], createdAt, updatedAt: at };
    }),
    /** But for the number of its executions: the keys of actions name them for ever. */
    forget: assign(({ event }) => ({ ...NOTHING, updatedAt: event.at })),
    relate: assign(({ event }) => (event.type === 'relate' ? { loop: event.loop } : {})),
    forgetCondition: assign({ condition: null, values: {} }),
    noteCondition: assign(({ event }) => ('value' in event ? { condition: event.value, values: event.values } : {})),
    noteFiring: assign({ firings: ({ context, event }) => [...context.firings, event.at].slice(-LOOP_FIRINGS) }),
    noteLoop: assign({
      stoppedBecause: ({ context }) =>
        `it fired ${LOOP_FIRINGS} times within a minute, and it may set itself off: ${context.loop}`,
    }),
    clearStop: assign({ stoppedBecause: null, firings: [] }),
    execute: assign(({ context, event }, { trigger }: { trigger: Execution['trigger'] }) => {
      const { condition, values } = 'value' in event ? { condition: event.value, values: event.values } : context;
      const moment = trigger === 'returns' ? 'returns' : 'fires';
      const request = event.type === 'evaluated' ? { request: event.request } : {};
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
      if (event.type === 'action.done') return settleAction(context, context.rule, { status: 'done', at: event.at });
      if (event.type !== 'action.failed') return {};
      return settleAction(context, context.rule, { status: 'failed', at: event.at, error: event.error });
    }),
    advance,

    // Effects; the actor carries them out.
    /** Evaluate the condition of the rule from now on, in place of what was watched before, and tell it once. */
    watch: (_, _params: { readonly rule: Rule | null }) => undefined,
    unwatch: () => undefined,
    evaluateNow: (_, _params: { readonly request: string }) => undefined,
    takeNext: (_, _params: TakeNext['params']) => undefined,
    callWebhook: (_, _params: WebhookCall) => undefined,
    publishMessage: (_, _params: Publication) => undefined,
  },
}).createMachine({
  id: 'rule',
  context: { ...NOTHING, createdAt: 0, updatedAt: 0, since: 0, executed: 0 },
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
          { actions: ['noteCondition', 'look'] },
        ],
        condition: [
          { guard: 'isReadyInLoop', actions: ['noteCondition', 'noteLoop'], target: 'stopped' },
          { guard: 'isReady', actions: ['noteCondition', execute('fires')], target: 'active' },
          { guard: 'isTrue', actions: 'noteCondition', target: 'holding' },
          { actions: 'noteCondition' },
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
          { actions: ['noteCondition', 'look'], target: 'waiting' },
        ],
        condition: [
          { guard: 'isTrue', actions: 'noteCondition' },
          { actions: 'noteCondition', target: 'waiting' },
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
        disable: 'disabled',
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

/** Ms until the hold time is over, when the condition has just become true, and the cooldown too. */
function readiness({ rule, firings }: RuleContext, at: number): number {
  const last = firings.at(-1);
  const cooling = last === undefined ? 0 : last + (rule?.cooldownMs ?? 0) - at;
  return Math.max(0, rule?.holdMs ?? 0, cooling);
}

function isLooping({ loop, firings }: RuleContext, at: number): boolean {
  return loop !== null && firings.length >= LOOP_FIRINGS && at - (firings[0] as number) < LOOP_WINDOW_MS;
}
