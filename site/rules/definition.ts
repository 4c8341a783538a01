import type { AlarmLevel } from '../alarms.js';
import type { ActionMoment, ConditionGroup } from './rule.js';

interface DefinedBase {
  /** Default `fires`. */
  readonly on?: ActionMoment;
  /** Default `stop`. */
  readonly onFailure?: 'stop' | 'continue';
}

/** An action as a site file or a caller writes it. Points are addresses or names. */
export type ActionDefinition =
  | (DefinedBase & {
      readonly type: 'write';
      readonly point: string;
      readonly value: number;
      readonly interlock?: string;
    })
  /** A point of a virtual channel, or of a model, takes a value: a number, or an expression that gives one. */
  | (DefinedBase & {
      readonly type: 'set';
      readonly point: string;
      readonly model?: string;
      readonly value: number | string;
    })
  /** A virtual channel begins anew, or stops. Default: start. */
  | (DefinedBase & { readonly type: 'simulate'; readonly channel: number; readonly command?: 'start' | 'stop' })
  | (DefinedBase & { readonly type: 'webhook'; readonly url: string; readonly body?: unknown })
  | (DefinedBase & { readonly type: 'publish'; readonly subject: string; readonly body?: unknown })
  | AlarmDefinition
  /** Clears the alarm of a source; default: the rule's own. `rule`: the rule that raises it, default this one. */
  | (DefinedBase & { readonly type: 'clear_alarm'; readonly source?: string; readonly rule?: string });

/** Raised when the rule fires and, unless `clears` is false, cleared when its condition is false again. */
export interface AlarmDefinition {
  readonly type: 'alarm';
  readonly level: AlarmLevel;
  /** Default: the name of the rule. */
  readonly title?: string;
  readonly description?: string;
  readonly classification?: string;
  readonly group?: string;
  /** Default `rule:<id>`. */
  readonly source?: string;
  readonly clears?: boolean;
  readonly onFailure?: 'stop' | 'continue';
}

/** A rule as a site file or a caller writes it, what was left out filled in. `buildRule` makes a rule of it. */
export interface RuleDefinition {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  readonly priority: number;
  /** An expression, or several that are all, or any of them, to be true. */
  readonly condition: string | ConditionGroup;
  readonly holdMs: number;
  readonly cooldownMs: number;
  readonly deadband: number;
  readonly actions: readonly ActionDefinition[];
}

/** What a rule is where nothing is said. */
export const RULE_DEFAULTS = {
  description: '',
  enabled: true,
  priority: 0,
  holdMs: 0,
  cooldownMs: 0,
  deadband: 0,
} as const;
