import { assign, setup } from 'xstate';
import type { ErrorBody } from '../errors/error.js';
import type { Execution, Rule } from '../site/rules/rule.js';
import {
  addExecution,
  nextAction,
  settleAction,
  skipPending,
  type ActionOrder,
  type Executions,
} from './rule/executions.js';

type Values = readonly (number | null)[];

export interface RuleContext extends Executions {
  /** null before the first configuration. */
  readonly rule: Rule | null;
  /** Names the configuration in force. */
  readonly revision: string | null;
  /** How the rule may set itself off again, in words (site/rules/loops.ts); null: it cannot. */
  readonly loop: string | null;
  /** The condition when it was heard of last, null: unknown; and the values of its points then. */
  readonly condition: boolean | null;
  readonly values: Values;
  /** When the present state was entered, ms since the Unix epoch; 0 before the first event. */
  readonly since: number;
  /** When it fired, the last times, oldest first. */
  readonly firings: readonly number[];
  /** Why it was stopped; null when it was not. */
  readonly stoppedBecause: string | null;
}

export type RuleEvent =
  | { type: 'configure'; revision: string; rule: Rule; loop: string | null; at: number }
  | { type: 'enable'; at: number }
  | { type: 'disable'; at: number }
  | { type: 'activated'; at: number }
  /** The condition is another than it was, or is told for the first time. */
  | { type: 'condition'; value: boolean | null; values: Values; at: number }
  /** Somebody asks for an evaluation now; `evaluated` answers. */
  | { type: 'evaluate'; request: string; at: number }
  | { type: 'evaluated'; request: string; value: boolean | null; values: Values; at: number }
  | { type: 'action.done'; execution: number; index: number; at: number }
  | { type: 'action.failed'; execution: number; index: number; error: ErrorBody; at: number };

/** A rule of a loop that would fire once more after so many times within a minute is stopped. */
export const LOOP_FIRINGS = 10;
const LOOP_WINDOW_MS = 60_000;

const watch = {
  type: 'watch',
  params: ({ context }: { context: RuleContext }) => ({ rule: context.rule }),
} as const;
/** Orders the action that is next; again when it is ordered already, as it must be after an activation. */
const takeNext = {
  type: 'takeNext',
  params: ({ context }: { context: RuleContext }) => ({ order: nextAction(context, context.rule), rule: context.rule }),
} as const;
const execute = (trigger: Execution['trigger']) => ({ type: 'execute', params: { trigger } }) as const;

/** In every state in which the condition is watched. */
const whileWatching = {
  disable: 'disabled',
  activated: { actions: [watch, takeNext] },
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
} as const;
const whileNotActive = {
  ...whileWatching,
  evaluated: [
    { guard: 'isTrue', actions: ['noteCondition', execute('manual')], target: 'active' },
    { actions: 'look' },
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
      if (event.type !== 'configure') return {};
      const { rule, revision, loop } = event;
      return { ...skipPending(context), rule, revision, loop, firings: [] };
    }),
    forgetCondition: assign({ condition: null, values: [] }),
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

    // Effects; the actor carries them out.
    /** Evaluate the condition of the rule from now on, in place of what was watched before, and tell it once. */
    watch: (_, _params: { readonly rule: Rule | null }) => undefined,
    unwatch: () => undefined,
    evaluateNow: (_, _params: { readonly request: string }) => undefined,
    takeNext: (_, _params: { readonly order: ActionOrder | null; readonly rule: Rule | null }) => undefined,
  },
}).createMachine({
  id: 'rule',
  context: {
    rule: null,
    revision: null,
    loop: null,
    condition: null,
    values: [],
    since: 0,
    firings: [],
    stoppedBecause: null,
    executions: [],
    executed: 0,
  },
  initial: 'disabled',
  on: {
    activated: { actions: takeNext },
    'action.done': { guard: 'isAwaited', actions: ['settle', takeNext] },
    'action.failed': { guard: 'isAwaited', actions: ['settle', takeNext] },
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
      },
    },
    /** The condition is false or unknown. */
    waiting: {
      entry: 'enter',
      on: {
        ...whileNotActive,
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
        ...whileNotActive,
        condition: [
          { guard: 'isTrue', actions: 'noteCondition' },
          { actions: 'noteCondition', target: 'waiting' },
        ],
      },
    },
    /** It has fired, and its condition has not been false since. */
    active: {
      entry: ['enter', 'noteFiring', takeNext],
      on: {
        ...whileWatching,
        condition: [
          { guard: 'isFalse', actions: ['noteCondition', execute('returns'), takeNext], target: 'waiting' },
          { actions: 'noteCondition' },
        ],
        evaluated: { actions: 'look' },
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
