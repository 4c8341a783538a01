import { WaitingAlarms, type AlarmsUpdate, type AlarmsWatchFilter } from '../../actors/client/alarm-watch.js';
import { AlarmIndex } from '../../actors/alarm/alarm-index.js';
import { Raises } from '../../actors/alarm/raises.js';
import { alarmStatistics } from '../../actors/alarm/statistics.js';
import { unknownAlarm } from '../../actors/alarm.js';
import type {
  AlarmCommand,
  AlarmJournal,
  AlarmJournalEntry,
  AlarmsClient,
  AlarmsPage,
  AlarmsQuery,
  AlarmStatistics,
  AlarmStatisticsQuery,
  AlarmView,
  RaiseAlarm,
} from '../../actors/client/alarms.js';
import { alarmMachine } from '../../machines/alarm.js';
import { alarmId } from '../../site/alarm-id.js';
import { SimulatedActor } from './simulated-actor.js';

/** Alarms in memory behind the public client, run by the real state chart. The first one, `a1`, is raised. */
export class FakeAlarms implements AlarmsClient {
  readonly #actors = new Map<string, SimulatedActor<typeof alarmMachine>>();
  readonly #journals = new Map<string, AlarmJournalEntry[]>();
  readonly #index = new AlarmIndex();
  readonly #raises = new Raises();
  readonly #time: number;
  readonly #watchers = new Set<WaitingAlarms>();
  #seq = 0;

  constructor(time: number) {
    this.#time = time;
    this.#take('a1', { type: 'raise', by: 'meter', source: 'meter', level: 'Warning', title: 'Too hot' });
  }

  async list(query: AlarmsQuery): Promise<AlarmsPage> {
    return this.#index.list(query);
  }

  async get(id: string): Promise<AlarmView> {
    const alarm = this.#index.get(id);
    if (alarm === undefined) throw unknownAlarm(id);
    return alarm;
  }

  async raise({ by, commandId, ...alarm }: RaiseAlarm): Promise<AlarmView> {
    const id =
      alarm.ruleId === undefined ? (commandId ?? `a${this.#index.size + 1}`) : alarmId(alarm.source, alarm.ruleId);
    return this.#take(id, { type: 'raise', by: by ?? alarm.source, ...alarm });
  }

  async command(id: string, command: AlarmCommand): Promise<AlarmView> {
    await this.get(id);
    return this.#take(id, command);
  }

  async journal(id: string): Promise<AlarmJournal> {
    await this.get(id);
    return { entries: this.#journals.get(id) ?? [], nextCursor: null };
  }

  async statistics({ operators = 1 }: AlarmStatisticsQuery): Promise<AlarmStatistics> {
    return alarmStatistics(this.#index, this.#raises, operators, this.#time);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  async *watch(filter: AlarmsWatchFilter, signal: AbortSignal): AsyncGenerator<AlarmsUpdate> {
    const watcher = new WaitingAlarms(filter);
    this.#watchers.add(watcher);
    try {
      yield* watcher.updates(signal);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  #take(id: string, event: AlarmCommand | ({ type: 'raise'; by: string } & RaiseAlarm)): AlarmView {
    const actor = this.#actors.get(id) ?? new SimulatedActor(alarmMachine, { id }, this.#time);
    this.#actors.set(id, actor);
    const isChanged = actor.send(event);
    const { alarm } = actor.snapshot.context;
    if (!isChanged) return alarm;
    this.#index.apply(alarm);
    for (const watcher of this.#watchers) watcher.add(alarm);
    const { what, by, at } = alarm.change;
    if (what === 'raised') this.#raises.add(id, at);
    const text = 'note' in event ? (event.note ?? null) : null;
    const entry = { seq: ++this.#seq, at, event: event.type, what, by, state: alarm.state, text };
    this.#journals.set(id, [...(this.#journals.get(id) ?? []), entry]);
    return alarm;
  }
}
