import { signal } from '@preact/signals';
import type { AlarmJournalEntry, AlarmView } from '../../../../actors/client/alarms.js';
import type { AlarmsApi } from '../alarms-api.js';

/** One alarm with who did what with it. */
export class AlarmDetailStore {
  readonly alarm = signal<AlarmView | undefined>(undefined);
  /** The newest first. */
  readonly journal = signal<readonly AlarmJournalEntry[]>([]);
  /** Why it cannot be shown. */
  readonly problem = signal<string | undefined>(undefined);
  readonly #api: AlarmsApi;
  #id: string | undefined;
  #asked = 0;

  constructor(api: AlarmsApi) {
    this.#api = api;
  }

  /** Shows this alarm; `known` until the server has answered. */
  select(id: string | undefined, known?: AlarmView): void {
    if (id === this.#id) return;
    this.#id = id;
    this.alarm.value = known;
    this.journal.value = [];
    this.problem.value = undefined;
    this.refresh();
  }

  /** Takes a change, if it is this alarm's. */
  note(alarm: AlarmView): void {
    if (alarm.id !== this.#id || (this.alarm.value?.revision ?? -1) >= alarm.revision) return;
    this.alarm.value = alarm;
    this.refresh();
  }

  refresh(): void {
    const asked = ++this.#asked;
    if (this.#id !== undefined) void this.#load(this.#id, asked);
  }

  async #load(id: string, asked: number): Promise<void> {
    try {
      const [alarm, journal] = await Promise.all([this.#api.get(id), this.#api.journal(id)]);
      if (asked !== this.#asked) return;
      if ((this.alarm.value?.revision ?? -1) <= alarm.revision) this.alarm.value = alarm;
      this.journal.value = journal.entries.toReversed();
      this.problem.value = undefined;
    } catch (error) {
      if (asked === this.#asked) this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }
}
