import Type from 'typebox';
import { ALARM_LEVELS, wasRaised, type AlarmLevel, type AlarmRecord } from '../../site/alarms.js';
import { wildcard } from '../../site/wildcard.js';
import { AlarmViewSchema } from './alarms.js';
import { Waiting } from './waiting.js';

/** Which alarms a watcher wants to hear of; without a field: whatever it is. */
export interface AlarmsWatchFilter {
  levels?: readonly AlarmLevel[];
  /** `*` stands for any characters. */
  source?: string;
}

export const AlarmsUpdateSchema = Type.Object({
  alarms: Type.Array(AlarmViewSchema, { description: 'alarms that have changed, each as it is now' }),
  missed: Type.Boolean({ description: 'more changed than could wait; the list tells how all of them are now' }),
});
/** Alarms that have changed. */
export interface AlarmsUpdate {
  alarms: AlarmRecord[];
  /** More changed than could wait for this reader: the list tells how all of them are now. */
  missed: boolean;
}

/** Alarms of one update. */
const BATCH = 100;
/** Alarms that wait for a slow reader. */
const MAX_WAITING = 10_000;

/** For a watcher of alarms: the newest state of each one that changed since it last took. */
export class WaitingAlarms extends Waiting<AlarmsUpdate> {
  readonly #wanted: (alarm: AlarmRecord) => boolean;
  readonly #max: number;
  readonly #alarms = new Map<string, AlarmRecord>();
  /** Newest revision of each alarm that was added: one that comes twice is left out. */
  readonly #revisions = new Map<string, number>();
  #missed = false;

  constructor(filter: AlarmsWatchFilter, max = MAX_WAITING) {
    super();
    this.#wanted = alarmFilter(filter);
    this.#max = max;
  }

  add(alarm: AlarmRecord): void {
    if (!this.#wanted(alarm) || (this.#revisions.get(alarm.id) ?? 0) >= alarm.revision) return;
    this.#revisions.delete(alarm.id);
    this.#revisions.set(alarm.id, alarm.revision);
    this.#alarms.set(alarm.id, alarm);
    dropOldest(this.#revisions, this.#max);
    if (dropOldest(this.#alarms, this.#max)) this.#missed = true;
    this.wake();
  }

  protected override next(): AlarmsUpdate | undefined {
    if (this.#alarms.size === 0) return undefined;
    const alarms: AlarmRecord[] = [];
    for (const [id, alarm] of this.#alarms) {
      alarms.push(alarm);
      this.#alarms.delete(id);
      if (alarms.length === BATCH) break;
    }
    const missed = this.#missed;
    this.#missed = false;
    return { alarms, missed };
  }
}

/** Levels as a query names them: comma separated. */
export const ALARM_LEVELS_PATTERN = `^(${ALARM_LEVELS.join('|')})(,(${ALARM_LEVELS.join('|')}))*$`;

function alarmFilter({ levels, source }: AlarmsWatchFilter): (alarm: AlarmRecord) => boolean {
  const isSource = source === undefined ? () => true : wildcard(source);
  return (alarm) =>
    wasRaised(alarm) && (levels === undefined || levels.includes(alarm.level)) && isSource(alarm.source);
}

function dropOldest(map: Map<string, unknown>, max: number): boolean {
  if (map.size <= max) return false;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
  return true;
}
