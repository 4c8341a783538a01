import { createHash, randomUUID } from 'node:crypto';
import type { Bus } from '../../bus/connection.js';
import { StatewattError } from '../../errors/error.js';
import { alarmId } from '../../site/alarm-id.js';
import type { AlarmRecord } from '../../site/alarms.js';
import { alarmRef, unknownAlarm, type AlarmKind } from '../alarm.js';
import { WaitingAlarms, type AlarmsUpdate, type AlarmsWatchFilter } from '../client/alarm-watch.js';
import type {
  AlarmCommand,
  AlarmJournal,
  AlarmJournalQuery,
  AlarmsClient,
  AlarmsPage,
  AlarmsQuery,
  AlarmStatistics,
  AlarmStatisticsQuery,
  RaiseAlarm,
} from '../client/alarms.js';
import { MemoryStore } from '../../protocols/realtime/memory-store.js';
import type { RealtimeStore } from '../../protocols/realtime/store.js';
import type { ActorSystem } from '../runtime/system.js';
import { AlarmFeed } from './alarm-feed.js';
import { AlarmIndex } from './alarm-index.js';
import { readAlarm, readAlarmJournal } from './alarm-journal.js';
import { AlarmFollower } from './follower.js';
import { AlarmMirror } from './mirror.js';
import { Raises } from './raises.js';
import { alarmStatistics } from './statistics.js';

export interface LocalAlarmsParts {
  readonly bus: Bus;
  readonly system: ActorSystem;
  readonly kind: AlarmKind;
  /** Hears of every change; others may watch it too. */
  readonly feed?: AlarmFeed;
  /** Where outside readers find alarms. */
  readonly store?: RealtimeStore;
  readonly now?: () => number;
}

export interface AlarmIndexHealth {
  /** Every alarm of the journal has been read; until then lists are refused. */
  readonly loaded: boolean;
  readonly alarms: number;
  /** Entries of the journal that it has not taken yet, and how often it was made anew from it. */
  readonly behind: number;
  readonly rebuilt: number;
  /** Why it does not get on; null when it does. */
  readonly lastError: string | null;
}

/** The alarms of a site as a node answers them: commands go to the actors, lists come from an index in memory. */
export class LocalAlarms implements AlarmsClient {
  readonly #parts: LocalAlarmsParts;
  readonly #index = new AlarmIndex();
  readonly #mirror: AlarmMirror;
  readonly #raises = new Raises();
  readonly #follower: AlarmFollower;
  readonly #feed: AlarmFeed;
  readonly #now: () => number;

  constructor(parts: LocalAlarmsParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    this.#feed = parts.feed ?? new AlarmFeed();
    this.#mirror = new AlarmMirror(parts.store ?? new MemoryStore(), this.#index);
    this.#feed.watch((alarm) => this.#mirror.changed(alarm));
    this.#follower = new AlarmFollower(
      parts.bus,
      this.#index,
      this.#raises,
      (alarm) => this.#feed.publish(alarm),
      this.#now,
      () => this.#mirror.refresh(),
    );
  }

  /** Begins to read the journal; lists are refused (`alarms.loading`) until every alarm is known. */
  start(): void {
    this.#follower.start();
  }

  async stop(): Promise<void> {
    await this.#follower.stop();
    await this.#mirror.close();
  }

  /** Whether this node shows outside readers all alarms; one of the nodes does. */
  showAll(on: boolean): void {
    this.#mirror.showAll(on);
  }

  /** The store of outside readers has come back, perhaps empty. */
  storeBack(): void {
    this.#mirror.refresh();
  }

  /** How the index is that lists come from. */
  health(): AlarmIndexHealth {
    const { loaded, behind, rebuilt, lastError } = this.#follower;
    return { loaded, alarms: this.#index.size, behind, rebuilt, lastError };
  }

  list(query: AlarmsQuery): Promise<AlarmsPage> {
    return this.#whenLoaded(() => this.#index.list(query));
  }

  async get(id: string): Promise<AlarmRecord> {
    const alarm = this.#index.get(id) ?? (await readAlarm(this.#parts.bus, id));
    if (alarm === undefined) throw unknownAlarm(id);
    return alarm;
  }

  async raise({ by, commandId, ...alarm }: RaiseAlarm): Promise<AlarmRecord> {
    const { system, kind } = this.#parts;
    const id = alarm.ruleId === undefined ? ownId(commandId) : alarmId(alarm.source, alarm.ruleId);
    const command = { type: 'raise', by: by ?? alarm.source.slice(0, 128), ...alarm } as const;
    const raised = await system.ask(alarmRef(kind, id), command, commandId === undefined ? {} : { commandId });
    return this.keep(raised);
  }

  async command(id: string, command: AlarmCommand): Promise<AlarmRecord> {
    const { system, kind } = this.#parts;
    return this.keep(await system.ask(alarmRef(kind, id), command));
  }

  async journal(id: string, query: AlarmJournalQuery): Promise<AlarmJournal> {
    await this.get(id);
    return readAlarmJournal(this.#parts.bus, id, query);
  }

  statistics({ operators = 1 }: AlarmStatisticsQuery): Promise<AlarmStatistics> {
    return this.#whenLoaded(() => alarmStatistics(this.#index, this.#raises, operators, this.#now()));
  }

  async *watch(filter: AlarmsWatchFilter, signal: AbortSignal): AsyncGenerator<AlarmsUpdate> {
    const waiting = new WaitingAlarms(filter);
    const end = this.#feed.watch((alarm) => waiting.add(alarm));
    try {
      yield* waiting.updates(signal);
    } finally {
      end();
    }
  }

  /** Who has just been answered finds it in the list, and in the store of outside readers, at once. */
  async keep(alarm: AlarmRecord): Promise<AlarmRecord> {
    if (this.#index.apply(alarm)) this.#feed.publish(alarm);
    await this.#mirror.show(alarm);
    return alarm;
  }

  /** Rejects with `alarms.loading` until every alarm is known, and with what `ask` throws. */
  #whenLoaded<T>(ask: () => T): Promise<T> {
    return Promise.resolve().then(() => {
      if (!this.#follower.loaded) throw loading(this.#follower.lastError);
      return ask();
    });
  }
}

function loading(trouble: string | null): StatewattError {
  const why = trouble === null ? '' : `, which fails: ${trouble}`;
  return new StatewattError('alarms.loading', 'unavailable', `the alarms are being read from the journal${why}`, {
    retryAfterMs: 1_000,
  });
}

/** An alarm that no rule raises: one for each request, the same for a request that is repeated. */
function ownId(commandId: string | undefined): string {
  if (commandId === undefined) return randomUUID();
  return createHash('sha256').update(commandId).digest('base64url').slice(0, 22);
}
