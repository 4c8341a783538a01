import { signal } from '@preact/signals';
import type { AlarmCommand, AlarmCommandName, AlarmView } from '../../../../actors/client/alarms.js';
import type { AlarmsApi } from '../alarms-api.js';

export type AlarmCommandStep = { name: 'asking'; problem?: string } | { name: 'sending' } | { name: 'done' };

/** What a person fills in. */
export interface AlarmCommandForm {
  by: string;
  /** Note or reason. */
  text: string;
  forMs: number;
}

/** For how long an alarm may be shelved. */
export const SHELVE_FOR = [
  { label: '10 minutes', forMs: 600_000 },
  { label: '1 hour', forMs: 3_600_000 },
  { label: '8 hours', forMs: 28_800_000 },
  { label: '1 day', forMs: 86_400_000 },
  { label: '1 week', forMs: 604_800_000 },
] as const;

/** One command to one alarm, from the first click to the server's answer. */
export class AlarmCommandFlow {
  readonly alarm: AlarmView;
  readonly command: AlarmCommandName;
  readonly step = signal<AlarmCommandStep>({ name: 'asking' });
  readonly #api: AlarmsApi;
  readonly #answered: (alarm: AlarmView) => void;

  constructor(api: AlarmsApi, alarm: AlarmView, command: AlarmCommandName, answered: (alarm: AlarmView) => void) {
    this.#api = api;
    this.alarm = alarm;
    this.command = command;
    this.#answered = answered;
  }

  async confirm(form: AlarmCommandForm): Promise<void> {
    if (this.step.value.name !== 'asking') return;
    const by = form.by.trim();
    if (by === '') {
      this.step.value = { name: 'asking', problem: 'Say who you are: it stands in the journal.' };
      return;
    }
    if (this.command === 'note' && form.text.trim() === '') {
      this.step.value = { name: 'asking', problem: 'The note is empty.' };
      return;
    }
    this.step.value = { name: 'sending' };
    try {
      this.#answered(await this.#api.command(this.alarm.id, toCommand(this.command, { ...form, by })));
      this.step.value = { name: 'done' };
    } catch (error) {
      this.step.value = { name: 'asking', problem: error instanceof Error ? error.message : String(error) };
    }
  }
}

function toCommand(type: AlarmCommandName, { by, text, forMs }: AlarmCommandForm): AlarmCommand {
  const trimmed = text.trim();
  const note = trimmed === '' ? {} : { note: trimmed };
  const reason = trimmed === '' ? {} : { reason: trimmed };
  switch (type) {
    case 'acknowledge':
    case 'resolve':
      return { type, by, ...note };
    case 'shelve':
      return { type, by, forMs, ...reason };
    case 'suppress':
    case 'outOfService':
      return { type, by, ...reason };
    case 'note':
      return { type, by, text: trimmed };
    case 'clear':
    case 'unshelve':
    case 'unsuppress':
    case 'returnToService':
      return { type, by };
  }
}
