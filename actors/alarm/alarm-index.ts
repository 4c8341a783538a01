import { StatewattError } from '../../errors/error.js';
import {
  ALARM_STATES,
  isHidden,
  isOpen,
  severity,
  wasRaised,
  type AlarmRecord,
  type AlarmState,
  type AlarmStatus,
} from '../../site/alarms.js';
import type { AlarmsPage, AlarmsQuery } from '../client/alarms.js';
import { FirstItems } from './first-items.js';

/** Alarms without an open episode that are kept for lists; those that have been so for longest go first. */
const KEPT_CLOSED = 100_000;
const DEFAULT_LIMIT = 100;

/** Where an alarm stands in an order. */
interface Place {
  readonly severity: number;
  readonly at: number;
  readonly id: string;
}

interface Entry extends Place {
  readonly record: AlarmRecord;
  /** What a search by text looks into; made when first needed. */
  haystack: string | undefined;
}

/** States in which alarms of a status can be. */
const STATES_OF: Readonly<Record<AlarmStatus, readonly AlarmState[]>> = {
  Active: ['unacknowledged', 'returned'],
  Acknowledged: ['acknowledged', ...ALARM_STATES.filter(isHidden)],
  Resolved: ['normal', ...ALARM_STATES.filter(isHidden)],
};

/** Every alarm in memory, for lists. A record that is not newer than the one that is known is left out. */
export class AlarmIndex {
  readonly #byState = new Map<AlarmState, Map<string, Entry>>(ALARM_STATES.map((state) => [state, new Map()]));
  readonly #states = new Map<string, AlarmState>();
  readonly #keptClosed: number;

  constructor(keptClosed = KEPT_CLOSED) {
    this.#keptClosed = keptClosed;
  }

  get size(): number {
    return this.#states.size;
  }

  get(id: string): AlarmRecord | undefined {
    const state = this.#states.get(id);
    return state === undefined ? undefined : this.#in(state).get(id)?.record;
  }

  has(id: string): boolean {
    return this.#states.has(id);
  }

  /** Every alarm, in no order. */
  *all(): Generator<AlarmRecord> {
    for (const alarms of this.#byState.values()) for (const { record } of alarms.values()) yield record;
  }

  clear(): void {
    for (const alarms of this.#byState.values()) alarms.clear();
    this.#states.clear();
  }

  /** False when it is not newer than the one that is known. */
  apply(record: AlarmRecord): boolean {
    const known = this.get(record.id);
    if (known !== undefined && known.revision >= record.revision) return false;
    if (known !== undefined) this.#in(known.state).delete(record.id);
    this.#states.set(record.id, record.state);
    this.#in(record.state).set(record.id, { record, haystack: undefined, ...placeOf(record) });
    const closed = this.#in('normal');
    if (closed.size > this.#keptClosed) this.#dropOldest(closed);
    return true;
  }

  /** Every alarm that is open, in no order. */
  *open(): Generator<AlarmRecord> {
    for (const [state, alarms] of this.#byState) {
      if (state === 'normal') continue;
      for (const { record } of alarms.values()) if (isOpen(record)) yield record;
    }
  }

  /** @throws `alarms.invalid_cursor` */
  list(query: AlarmsQuery): AlarmsPage {
    const { order = 'newest', limit = DEFAULT_LIMIT, cursor } = query;
    const compare = order === 'severity' ? bySeverity : byTime;
    const after = cursor === undefined ? undefined : parseCursor(cursor);
    const matches = matcher(query);
    const first = new FirstItems<Entry>(limit, compare);
    let total = 0;
    let rest = 0;
    for (const state of statesOf(query)) {
      for (const entry of this.#in(state).values()) {
        if (!matches(entry)) continue;
        total += 1;
        if (after !== undefined && compare(entry, after) <= 0) continue;
        rest += 1;
        first.offer(entry);
      }
    }
    const found = first.sorted();
    const last = found.at(-1);
    const nextCursor = last === undefined || rest === found.length ? null : toCursor(last);
    return { alarms: found.map(({ record }) => record), total, nextCursor };
  }

  #dropOldest(closed: Map<string, Entry>): void {
    const oldest = closed.keys().next();
    if (oldest.done === true) return;
    closed.delete(oldest.value);
    this.#states.delete(oldest.value);
  }

  #in(state: AlarmState): Map<string, Entry> {
    return this.#byState.get(state) as Map<string, Entry>;
  }
}

function statesOf({ status, state }: AlarmsQuery): readonly AlarmState[] {
  const possible = status === undefined ? ALARM_STATES : STATES_OF[capitalised(status)];
  return state === undefined ? possible : possible.filter((each) => each === state);
}

function capitalised(status: string): AlarmStatus {
  return `${status.charAt(0).toUpperCase()}${status.slice(1)}` as AlarmStatus;
}

function matcher(query: AlarmsQuery): (entry: Entry) => boolean {
  const { level, source, ruleId, group, from = -Infinity, to = Infinity } = query;
  const status = query.status === undefined ? undefined : capitalised(query.status);
  const text = query.text?.toLowerCase();
  return (entry) => {
    const { record } = entry;
    if (!wasRaised(record)) return false;
    if (status !== undefined && record.status !== status) return false;
    if (level !== undefined && record.level !== level) return false;
    if (source !== undefined && record.source !== source) return false;
    if (ruleId !== undefined && record.ruleId !== ruleId) return false;
    if (group !== undefined && record.group !== group) return false;
    if (entry.at < from || entry.at >= to) return false;
    if (text === undefined) return true;
    entry.haystack ??= `${record.title}\n${record.description}\n${record.source}`.toLowerCase();
    return entry.haystack.includes(text);
  };
}

function placeOf({ level, raisedAt, since, id }: AlarmRecord): Place {
  return { severity: severity(level), at: raisedAt ?? since, id };
}

function byTime(a: Place, b: Place): number {
  if (a.at !== b.at) return b.at - a.at;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

function bySeverity(a: Place, b: Place): number {
  return a.severity - b.severity || byTime(a, b);
}

function toCursor({ severity, at, id }: Place): string {
  return `${severity}.${at}.${id}`;
}

function parseCursor(text: string): Place {
  const [, level, at, id] = /^(\d)\.(\d{1,16})\.([A-Za-z0-9_-]{1,128})$/.exec(text) ?? [];
  if (id !== undefined) return { severity: Number(level), at: Number(at), id };
  throw new StatewattError(
    'alarms.invalid_cursor',
    'invalid',
    `"${text.slice(0, 100)}" is no cursor; pass on the nextCursor of the page before.`,
  );
}
