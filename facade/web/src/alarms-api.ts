import type {
  AlarmCommand,
  AlarmCommandName,
  AlarmJournal,
  AlarmsPage,
  AlarmsQuery,
  AlarmStatistics,
  AlarmView,
} from '../../../actors/client/alarms.js';
import type { HttpApi } from './api.js';

/** What the alarm console needs of the server. */
export interface AlarmsApi {
  readonly streamUrl: string;
  list(query: AlarmsQuery): Promise<AlarmsPage>;
  statistics(): Promise<AlarmStatistics>;
  get(id: string): Promise<AlarmView>;
  /** Who did what, the oldest first. */
  journal(id: string): Promise<AlarmJournal>;
  command(id: string, command: AlarmCommand): Promise<AlarmView>;
}

const BASE = '/api/v1/alarms';
const PATHS: Readonly<Record<AlarmCommandName, string>> = {
  acknowledge: 'acknowledge',
  resolve: 'resolve',
  clear: 'clear',
  shelve: 'shelve',
  unshelve: 'unshelve',
  suppress: 'suppress',
  unsuppress: 'unsuppress',
  outOfService: 'out-of-service',
  returnToService: 'return-to-service',
  note: 'notes',
};
const JOURNAL_LIMIT = 1_000;

export class HttpAlarmsApi implements AlarmsApi {
  readonly streamUrl = `${BASE}/stream`;
  readonly #http: Pick<HttpApi, 'ask'>;

  constructor(http: Pick<HttpApi, 'ask'>) {
    this.#http = http;
  }

  async list(query: AlarmsQuery): Promise<AlarmsPage> {
    const asked = new URLSearchParams(
      Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
    );
    return (await this.#http.ask(`${BASE}?${asked.toString()}`)) as AlarmsPage;
  }

  async statistics(): Promise<AlarmStatistics> {
    return (await this.#http.ask(`${BASE}/statistics`)) as AlarmStatistics;
  }

  async get(id: string): Promise<AlarmView> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}`)) as AlarmView;
  }

  async journal(id: string): Promise<AlarmJournal> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}/journal?limit=${JOURNAL_LIMIT}`)) as AlarmJournal;
  }

  async command(id: string, { type, ...post }: AlarmCommand): Promise<AlarmView> {
    return (await this.#http.ask(`${BASE}/${encodeURIComponent(id)}/${PATHS[type]}`, { post })) as AlarmView;
  }
}
