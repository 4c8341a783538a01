import { signal } from '@preact/signals';
import type { AlarmsUpdate } from '../../../../actors/client/alarm-watch.js';
import type { AlarmStatistics, AlarmView } from '../../../../actors/client/alarms.js';
import type { AlarmsApi } from '../alarms-api.js';
import { matches, sortAlarms, STANDING, type AlarmFilter } from './alarm-list.js';
import { LiveLink } from './live-link.js';
import type { OpenStream } from './points-store.js';

/** In a flood alarms come by the thousand; people do not read quicker than this. */
const PAINT_EVERY_MS = 200;
/** After a change the server's list is asked for again, at most this often: only it knows what is on further pages. */
const REFRESH_AFTER_MS = 2_000;
/** Rates fall by themselves, without a change. */
const STATISTICS_EVERY_MS = 10_000;
const TEXT_AFTER_MS = 250;
const FIRST_LIMIT = 200;
const MOST = 10_000;

/** The alarms that match a filter, kept live by the server's event stream, and the figures of all of them. */
export class AlarmsStore {
  readonly filter = signal<AlarmFilter>({
    states: STANDING,
    level: undefined,
    group: undefined,
    text: '',
    order: 'severity',
  });
  readonly alarms = signal<readonly AlarmView[]>([]);
  /** That match, with those that are not loaded. */
  readonly total = signal(0);
  readonly statistics = signal<AlarmStatistics | undefined>(undefined);
  readonly link: LiveLink;
  /** Called with each alarm as it arrives, before it is painted. */
  onAlarm: (alarm: AlarmView) => void = () => undefined;

  readonly #api: AlarmsApi;
  #known = new Map<string, AlarmView>();
  /** Arrived since the list was last asked for, whose answer may be older than these. */
  #overtaking = new Map<string, AlarmView>();
  #limit = FIRST_LIMIT;
  /** Rises with each question, so that an answer to an earlier one is left out. */
  #asked = 0;
  #paintTimer: ReturnType<typeof setTimeout> | undefined;
  #refreshTimer: ReturnType<typeof setTimeout> | undefined;
  #statisticsTimer: ReturnType<typeof setTimeout> | undefined;
  #statisticsRun = 0;

  constructor(api: AlarmsApi, open: OpenStream) {
    this.#api = api;
    this.link = new LiveLink({
      open,
      url: () => api.streamUrl,
      load: () => this.#load(),
      receive: (data) => this.#receive(JSON.parse(data) as AlarmsUpdate),
    });
  }

  /** Follows the figures: they are shown on every page. */
  startStatistics(): void {
    this.stopStatistics();
    void this.#askStatistics(this.#statisticsRun);
  }

  stopStatistics(): void {
    this.#statisticsRun += 1;
    clearTimeout(this.#statisticsTimer);
  }

  /** Follows the list. */
  start(): void {
    this.link.start();
  }

  stop(): void {
    this.link.stop();
    clearTimeout(this.#paintTimer);
    clearTimeout(this.#refreshTimer);
    this.#paintTimer = this.#refreshTimer = undefined;
    this.#asked += 1;
  }

  /** Shows what matches this from now on; what is not named stays. */
  show(change: Partial<AlarmFilter>): void {
    this.filter.value = { ...this.filter.value, ...change };
    this.#limit = FIRST_LIMIT;
    this.#paint();
    this.#refreshIn(change.text === undefined ? 0 : TEXT_AFTER_MS, true);
  }

  /** Loads more of them. */
  more(): void {
    this.#limit = Math.min(MOST, this.#limit * 5);
    this.#refreshIn(0, true);
  }

  /** An alarm as a command answered it. */
  put(alarm: AlarmView): void {
    this.#take(alarm);
    this.#paint();
    this.#refreshIn(REFRESH_AFTER_MS);
  }

  #receive({ alarms, missed }: AlarmsUpdate): void {
    for (const alarm of alarms) this.#take(alarm);
    this.#paintTimer ??= setTimeout(() => this.#paint(), PAINT_EVERY_MS);
    this.#refreshIn(missed ? 0 : REFRESH_AFTER_MS);
  }

  #take(alarm: AlarmView): void {
    const known = this.#known.get(alarm.id);
    if (known !== undefined && known.revision > alarm.revision) return;
    this.#known.set(alarm.id, alarm);
    this.#overtaking.set(alarm.id, alarm);
    this.onAlarm(alarm);
  }

  #refreshIn(ms: number, instead = false): void {
    if (instead) clearTimeout(this.#refreshTimer);
    else if (this.#refreshTimer !== undefined) return;
    this.#refreshTimer = setTimeout(() => {
      this.#refreshTimer = undefined;
      if (this.link.status.value.state !== 'live') return; // It is loaded when the link is back.
      void this.#load().catch(() => this.link.start());
      this.startStatistics();
    }, ms);
  }

  /** A list for each state: the server's filter takes one. */
  async #load(): Promise<void> {
    const asked = ++this.#asked;
    const filter = this.filter.value;
    const { states, level, group, text, order } = filter;
    const trimmed = text.trim();
    this.#overtaking = new Map();
    const pages = await Promise.all(
      states.map((state) =>
        this.#api.list({
          state,
          order,
          limit: this.#limit,
          ...(level === undefined ? {} : { level }),
          ...(group === undefined ? {} : { group }),
          ...(trimmed === '' ? {} : { text: trimmed }),
        }),
      ),
    );
    if (asked !== this.#asked) return;
    const known = new Map<string, AlarmView>();
    // One that changed its state between the questions is in two lists.
    for (const alarm of [...pages.flatMap(({ alarms }) => alarms), ...this.#overtaking.values()])
      if ((known.get(alarm.id)?.revision ?? -1) <= alarm.revision) known.set(alarm.id, alarm);
    this.#known = known;
    this.total.value = pages.reduce((sum, { total }) => sum + total, 0);
    this.#paint();
    if (this.filter.value !== filter) await this.#load();
  }

  #paint(): void {
    clearTimeout(this.#paintTimer);
    this.#paintTimer = undefined;
    const filter = this.filter.value;
    const shown = [...this.#known.values()].filter((alarm) => matches(alarm, filter));
    this.alarms.value = sortAlarms(shown, filter.order);
  }

  async #askStatistics(run: number): Promise<void> {
    try {
      const statistics = await this.#api.statistics();
      if (run === this.#statisticsRun) this.statistics.value = statistics;
    } catch {
      // The page says already that the server is away, or refuses.
    }
    if (run !== this.#statisticsRun) return;
    this.#statisticsTimer = setTimeout(() => void this.#askStatistics(run), STATISTICS_EVERY_MS);
  }
}
