import type { ErrorBody } from '../../errors/error.js';
import type { FramePositions, PointValues, Rule } from '../../site/rules/rule.js';
import type { Executions } from './executions.js';
import type { Standing } from './withdrawals.js';

/** Who says what a rule is: the site file, which has the last word on its own, or a caller. */
export type RuleSource = 'site' | 'caller';

export interface RuleContext extends Executions, Standing {
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
  /** The frames that it was told as of. Absent in what earlier versions have stored. */
  readonly upTo?: FramePositions;
  /** When the present state was entered, ms since the Unix epoch; 0 before the first event. */
  readonly since: number;
  /** When it fired, the last times, oldest first. */
  readonly firings: readonly number[];
  /** Why it was stopped; null when it was not. */
  readonly stoppedBecause: string | null;
}

/** Written by a version that left its alarms as they were; when it is read again they must be left so, too. */
export interface OfVersion2 {
  keepsAlarms?: true;
}

/** The frames that a finding is as of. Absent in what earlier versions have stored. */
export interface AsOf {
  upTo?: FramePositions;
}

export type RuleEvent =
  | ({ type: 'configure'; revision: string; rule: Rule; loop: string | null; at: number } & OfVersion2)
  /** Of a caller: a rule that there was not, or another one in its place. */
  | { type: 'create'; rule: Rule; at: number }
  | ({ type: 'update'; rule: Rule; at: number } & OfVersion2)
  | ({ type: 'remove'; source: RuleSource; at: number } & OfVersion2)
  /** How the rule may set itself off again has changed, because other rules have. */
  | { type: 'relate'; loop: string | null; at: number }
  | { type: 'enable'; at: number }
  | ({ type: 'disable'; at: number } & OfVersion2)
  | { type: 'activated'; at: number }
  /** The condition is another than it was, or is told for the first time. */
  | ({ type: 'condition'; value: boolean | null; values: PointValues; at: number } & AsOf)
  /** Somebody asks for an evaluation now; `evaluated` answers. */
  | { type: 'evaluate'; request: string; at: number }
  /** Somebody wants its actions taken now, whatever its condition is. */
  | { type: 'execute'; request: string; at: number }
  | ({ type: 'evaluated'; request: string; value: boolean | null; values: PointValues; at: number } & AsOf)
  | { type: 'action.done'; execution: number; index: number; at: number }
  | { type: 'action.failed'; execution: number; index: number; error: ErrorBody; at: number };
