import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { alarmEndpoints, liveAlarmSubject } from './alarm-endpoints.js';
import { WaitingAlarms, type AlarmsUpdate, type AlarmsWatchFilter } from './alarm-watch.js';
import type {
  AlarmCommand,
  AlarmJournal,
  AlarmJournalQuery,
  AlarmsClient,
  AlarmsPage,
  AlarmsQuery,
  AlarmStatistics,
  AlarmStatisticsQuery,
  AlarmView,
  RaiseAlarm,
} from './alarms.js';
import type { Asker } from './remote-ask.js';
import { watchRemotely } from './remote-watch.js';

/** The alarms of a site that runs elsewhere, over its NATS services. */
export class RemoteAlarms implements AlarmsClient {
  readonly #nats: NatsConnection;
  readonly #asker: Asker;
  readonly #closed: AbortSignal;

  constructor(nats: NatsConnection, asker: Asker, closed: AbortSignal) {
    this.#nats = nats;
    this.#asker = asker;
    this.#closed = closed;
  }

  list(query: AlarmsQuery): Promise<AlarmsPage> {
    return this.#asker.ask(alarmEndpoints.alarmsList, query);
  }

  get(id: string): Promise<AlarmView> {
    return this.#asker.ask(alarmEndpoints.alarmsGet, { id });
  }

  raise(request: RaiseAlarm): Promise<AlarmView> {
    return this.#asker.ask(alarmEndpoints.alarmsRaise, request);
  }

  command(id: string, command: AlarmCommand): Promise<AlarmView> {
    return this.#asker.ask(alarmEndpoints.alarmsCommand, { id, command });
  }

  journal(id: string, query: AlarmJournalQuery): Promise<AlarmJournal> {
    return this.#asker.ask(alarmEndpoints.alarmsJournal, { id, ...query });
  }

  statistics(query: AlarmStatisticsQuery): Promise<AlarmStatistics> {
    return this.#asker.ask(alarmEndpoints.alarmsStatistics, query);
  }

  watch(filter: AlarmsWatchFilter, signal: AbortSignal): AsyncIterable<AlarmsUpdate> {
    return watchRemotely(
      {
        nats: this.#nats,
        lease: () => this.#asker.ask(alarmEndpoints.alarmsWatch, {}),
        onReconnect: (listener) => this.#asker.onReconnect(listener),
      },
      (filter.levels ?? ['*']).map((level) => liveAlarmSubject(level, '*')),
      new WaitingMessages(filter),
      AbortSignal.any([signal, this.#closed]),
    );
  }
}

/** Alarms that come as messages; two nodes may both send one. */
class WaitingMessages extends WaitingAlarms {
  take(message: Msg): void {
    this.add(message.json<AlarmView>());
  }
}
