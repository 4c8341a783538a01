/** Alarm levels, most severe first. */
export const ALARM_LEVELS = ['Critical', 'Major', 'Minor', 'Warning', 'Info'] as const;
export type AlarmLevel = (typeof ALARM_LEVELS)[number];

/** States of ANSI/ISA-18.2-2016 (section 10.2, alarm state transitions); `returned` is returned-to-normal, unacknowledged. */
export const ALARM_STATES = [
  'normal',
  'unacknowledged',
  'acknowledged',
  'returned',
  'shelved',
  'suppressed',
  'outOfService',
] as const;
export type AlarmState = (typeof ALARM_STATES)[number];

/** The coarse states that simple consoles and VoltageEMS know. */
export const ALARM_STATUSES = ['Active', 'Acknowledged', 'Resolved'] as const;
export type AlarmStatus = (typeof ALARM_STATUSES)[number];

/** What may happen to an alarm, as it stands in its record and its notifications. */
export const ALARM_CHANGES = [
  'pending', // the condition is there, the on delay runs
  'withdrawn', // it went before the on delay had passed
  'raised',
  'clearing', // the condition is gone, the off delay runs
  'standing', // it came back before the off delay had passed
  'cleared',
  'acknowledged',
  'resolved',
  'escalated',
  'shelved',
  'unshelved',
  'suppressed',
  'unsuppressed',
  'outOfService',
  'returnedToService',
  'heard', // its condition came or went while nobody is to be told
  'noted',
] as const;
export type AlarmChange = (typeof ALARM_CHANGES)[number];

/** One alarm as everybody sees it. Times are ms since the Unix epoch. */
export interface AlarmRecord {
  readonly id: string;
  /** Where it comes from: a device, a point, a program. */
  readonly source: string;
  /** The rule that raises it; null: raised by hand or by a program. */
  readonly ruleId: string | null;
  readonly title: string;
  readonly description: string;
  readonly level: AlarmLevel;
  /** What sort of alarm it is: safety, process, communication …; free text. */
  readonly classification: string | null;
  /** Alarms with one cause; the first of a group that stands is its first-out. */
  readonly group: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly state: AlarmState;
  readonly status: AlarmStatus;
  /** Whether the condition is there, as its source says. */
  readonly condition: boolean;
  /** When the state was entered. */
  readonly since: number;
  readonly raisedAt: number | null;
  readonly acknowledgedAt: number | null;
  readonly acknowledgedBy: string | null;
  /** When its condition went. */
  readonly clearedAt: number | null;
  /** Shelved, suppressed or out of service: by whom, why, and until when (null: until somebody says so). */
  readonly hidden: { readonly by: string; readonly reason: string | null; readonly until: number | null } | null;
  /** The newest note. */
  readonly note: string | null;
  /** The value that raised it, if its source gave one. */
  readonly value: number | null;
  /** How often it was raised so far. */
  readonly occurrences: number;
  /** How often it was escalated since it was raised. */
  readonly escalations: number;
  readonly change: { readonly what: AlarmChange; readonly by: string; readonly at: number };
  /** Rises with every change; 0: never heard of. */
  readonly revision: number;
}

/** States in which an operator is not told. */
export function isHidden(state: AlarmState): boolean {
  return state === 'shelved' || state === 'suppressed' || state === 'outOfService';
}

/** False for one whose on delay never passed: nobody has heard of it. */
export function wasRaised({ state, occurrences }: Pick<AlarmRecord, 'state' | 'occurrences'>): boolean {
  return state !== 'normal' || occurrences > 0;
}

/** Whether it is raised and not yet done with: what an operator has to deal with, or has hidden. */
export function isOpen({ state, condition }: Pick<AlarmRecord, 'state' | 'condition'>): boolean {
  return isHidden(state) ? condition : state !== 'normal';
}

/**
 * The coarse status of a state. Active is what waits for an operator; a hidden alarm whose condition is there counts as
 * acknowledged, for somebody has taken it away on purpose.
 */
export function statusOf(state: AlarmState, condition: boolean): AlarmStatus {
  if (state === 'unacknowledged' || state === 'returned') return 'Active';
  if (state === 'acknowledged') return 'Acknowledged';
  return isHidden(state) && condition ? 'Acknowledged' : 'Resolved';
}

/** 0 for the most severe. */
export function severity(level: AlarmLevel): number {
  return ALARM_LEVELS.indexOf(level);
}
