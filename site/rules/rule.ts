import type { ErrorBody } from '../../errors/error.js';
import type { AlarmLevel } from '../alarms.js';

/** When an action is taken: when the rule fires, or when its condition is false again after that. */
export type ActionMoment = 'fires' | 'returns';

interface ActionBase {
  readonly on: ActionMoment;
  /** What follows when it cannot be done: the rest of the actions are left out, or taken all the same. */
  readonly onFailure: 'stop' | 'continue';
}

/** Something that a rule does. Points are addresses in text (`comsrv:1001:C:1`). */
export type RuleAction = ActionBase &
  (
    | {
        readonly type: 'write';
        readonly point: string;
        readonly value: number;
        /** A condition without a past: it must be true at the moment of the write. */
        readonly interlock?: string;
      }
    /** Without `model` the point is one of a virtual channel. An expression is computed when the action is taken. */
    | { readonly type: 'set'; readonly point: string; readonly model?: string; readonly value: number | string }
    | { readonly type: 'simulate'; readonly channel: number; readonly command: 'start' | 'stop' }
    | { readonly type: 'webhook'; readonly url: string; readonly body?: unknown }
    | { readonly type: 'publish'; readonly subject: string; readonly body?: unknown }
    | { readonly type: 'raiseAlarm'; readonly alarm: RuleAlarm }
    /** Without `ruleId` it is an alarm of the rule itself. `reason`: for the alarm's journal, of the rule's own doing. */
    | { readonly type: 'clearAlarm'; readonly source: string; readonly ruleId?: string; readonly reason?: string }
  );

/** The alarm that a rule raises. */
export interface RuleAlarm {
  /** Where it comes from; with the rule's id it names the alarm. */
  readonly source: string;
  readonly level: AlarmLevel;
  readonly title: string;
  readonly description?: string;
  readonly classification?: string;
  readonly group?: string;
}

/** Several conditions that count as one. */
export type ConditionGroup = { readonly all: readonly string[] } | { readonly any: readonly string[] };

/** A rule as it is configured: when its condition becomes true, it acts. */
export interface Rule {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  /** Higher ones first, where an order is to be chosen. */
  readonly priority: number;
  /** docs/expressions.md; it must be a condition. Of a group: `all(…)` or `any(…)` of its members. */
  readonly expression: string;
  /** The members of a grouped condition, as written; absent: it is no group. */
  readonly group?: ConditionGroup;
  /** How long the condition must be true before the rule fires, ms. */
  readonly holdMs: number;
  /** Least time between two firings, ms. */
  readonly cooldownMs: number;
  /** A threshold that was passed counts as passed until the value has gone back by this much. */
  readonly deadband: number;
  /** In their order. */
  readonly actions: readonly RuleAction[];
}

/** Values of points by address (`comsrv:1001:T:1`); null: unknown. */
export type PointValues = Readonly<Record<string, number | null>>;

/** The newest frame that something is as of, by channel. */
export type FramePositions = Readonly<Record<string, readonly [epoch: number, seq: number]>>;

export type StepOutcome =
  | { readonly status: 'pending' }
  | { readonly status: 'done'; readonly at: number }
  /** Handed to the outbox, which carries it out until it has succeeded, or parks it in the dead letters. */
  | { readonly status: 'queued'; readonly at: number }
  | { readonly status: 'failed'; readonly at: number; readonly error: ErrorBody }
  /** Left out, because one before it failed. */
  | { readonly status: 'skipped' };

/** One run of a rule's actions, or a manual evaluation that found nothing to do. */
export interface Execution {
  /** Unique in the rule, rising. */
  readonly number: number;
  /** ms since the Unix epoch. */
  readonly at: number;
  readonly trigger: 'fires' | 'returns' | 'manual';
  /** Names the manual evaluation, as whoever asked for it did. */
  readonly request?: string;
  /** Whether the condition was true; null: unknown. */
  readonly condition: boolean | null;
  /** Values of the expression's points at that moment, by address. Says why it fired. */
  readonly values: PointValues;
  /** Indexes in the rule's actions, with what became of each. */
  readonly steps: readonly ({ readonly action: number } & StepOutcome)[];
}
