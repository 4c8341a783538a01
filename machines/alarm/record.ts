import {
  severity,
  statusOf,
  type AlarmChange,
  type AlarmLevel,
  type AlarmRecord,
  type AlarmState,
} from '../../site/alarms.js';

/** A limit that a value has passed, and how far it must come back (in the value's unit) before the alarm clears. */
export interface AlarmLimit {
  readonly value: number;
  /** `high`: an alarm above the limit; `low`: below it. */
  readonly direction: 'high' | 'low';
  readonly deadband: number;
}

/** How an alarm behaves; comes with its raise. Durations in ms, 0 = none. */
export interface AlarmSettings {
  /** The condition must hold so long before the alarm is raised (ISA-18.2: on delay). */
  readonly onDelayMs: number;
  /** The condition must be gone so long before the alarm clears (off delay). */
  readonly offDelayMs: number;
  /** Unacknowledged for so long: it is escalated; 0 = never. */
  readonly escalateAfterMs: number;
  /** Escalations in all; the time runs anew after each. */
  readonly escalations: number;
  readonly limit: AlarmLimit | null;
}

export const DEFAULT_ALARM_SETTINGS: AlarmSettings = {
  onDelayMs: 0,
  offDelayMs: 0,
  escalateAfterMs: 0,
  escalations: 1,
  limit: null,
};

export interface AlarmContext {
  readonly alarm: AlarmRecord;
  readonly settings: AlarmSettings;
}

/** Who did it; ms since the Unix epoch. */
export interface Stamp {
  readonly by: string;
  readonly at: number;
}

export type RaiseEvent = Stamp & {
  readonly type: 'raise';
  readonly source: string;
  readonly ruleId?: string;
  readonly level: AlarmLevel;
  readonly title: string;
  readonly description?: string;
  readonly classification?: string;
  readonly group?: string;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly value?: number;
} & Partial<AlarmSettings>;

export type AlarmEvent =
  | RaiseEvent
  | (Stamp & { readonly type: 'clear'; readonly value?: number; readonly reason?: string })
  | (Stamp & { readonly type: 'acknowledge'; readonly note?: string })
  | (Stamp & { readonly type: 'resolve'; readonly note?: string })
  | (Stamp & { readonly type: 'shelve'; readonly forMs: number; readonly reason?: string })
  | (Stamp & { readonly type: 'suppress'; readonly reason?: string })
  | (Stamp & { readonly type: 'outOfService'; readonly reason?: string })
  | (Stamp & { readonly type: 'unshelve' })
  | (Stamp & { readonly type: 'unsuppress' })
  | (Stamp & { readonly type: 'returnToService' })
  | (Stamp & { readonly type: 'note'; readonly text: string });

/** Who acts when a delay has passed. */
const CLOCK = 'timer';

/** An alarm that nobody has raised yet. */
export function unheardOf(id: string): AlarmContext {
  return {
    alarm: {
      id,
      source: '',
      ruleId: null,
      title: '',
      description: '',
      level: 'Info',
      classification: null,
      group: '',
      metadata: {},
      state: 'normal',
      status: 'Resolved',
      condition: false,
      since: 0,
      raisedAt: null,
      acknowledgedAt: null,
      acknowledgedBy: null,
      clearedAt: null,
      hidden: null,
      note: null,
      value: null,
      occurrences: 0,
      escalations: 0,
      change: { what: 'withdrawn', by: '', at: 0 },
      revision: 0,
    },
    settings: DEFAULT_ALARM_SETTINGS,
  };
}

/** What the source says about a condition that is there. */
export function adopted({ alarm }: AlarmContext, event: RaiseEvent): AlarmContext {
  const { source, ruleId, level, title, description, classification, group, metadata, value } = event;
  return {
    alarm: {
      ...alarm,
      source,
      ruleId: ruleId ?? null,
      level,
      title,
      description: description ?? '',
      classification: classification ?? null,
      group: group ?? source,
      metadata: metadata ?? {},
      value: value ?? null,
      condition: true,
      clearedAt: null,
    },
    settings: {
      onDelayMs: event.onDelayMs ?? 0,
      offDelayMs: event.offDelayMs ?? 0,
      escalateAfterMs: event.escalateAfterMs ?? 0,
      escalations: event.escalations ?? 1,
      limit: event.limit ?? null,
    },
  };
}

/** A new episode begins. */
export function begun({ alarm }: AlarmContext, at: number): Partial<AlarmContext> {
  return {
    alarm: {
      ...alarm,
      raisedAt: at,
      acknowledgedAt: null,
      acknowledgedBy: null,
      clearedAt: null,
      escalations: 0,
      occurrences: alarm.occurrences + 1,
    },
  };
}

/** Notes what happened, by whom and when; every change ends with it. An event without a name is a delay that has passed. */
export function changed({ alarm }: AlarmContext, what: AlarmChange, event: Partial<Stamp>): Partial<AlarmContext> {
  const change = { what, by: event.by ?? CLOCK, at: event.at ?? 0 };
  return { alarm: { ...alarm, change, revision: alarm.revision + 1, status: statusOf(alarm.state, alarm.condition) } };
}

/** Enters a state. */
export function entered({ alarm }: AlarmContext, state: AlarmState, at: number): Partial<AlarmContext> {
  return { alarm: { ...alarm, state, since: at, status: statusOf(state, alarm.condition) } };
}

/** Whether the source calls it more severe than it was. */
export function isHigher({ alarm }: AlarmContext, event: RaiseEvent): boolean {
  return severity(event.level) < severity(alarm.level);
}

/** Whether a value, on its way back, is still within the deadband of its limit. */
export function isWithinDeadband({ limit }: AlarmSettings, value: number | undefined): boolean {
  if (limit === null || value === undefined) return false;
  return limit.direction === 'high' ? value > limit.value - limit.deadband : value < limit.value + limit.deadband;
}
