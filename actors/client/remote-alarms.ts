import { alarmEndpoints } from './alarm-endpoints.js';
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

/** The alarms of a site that runs elsewhere, over its NATS services. */
export class RemoteAlarms implements AlarmsClient {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
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
}
