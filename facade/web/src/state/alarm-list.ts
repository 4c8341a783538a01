import type { AlarmCommandName, AlarmView } from '../../../../actors/client/alarms.js';
import { severity, type AlarmLevel, type AlarmState } from '../../../../site/alarms.js';

/** What people call the states, those that need somebody first. */
export const ALARM_STATE_NAMES: Readonly<Record<AlarmState, string>> = {
  unacknowledged: 'new',
  returned: 'gone, not acknowledged',
  acknowledged: 'acknowledged',
  shelved: 'shelved',
  suppressed: 'suppressed',
  outOfService: 'out of service',
  normal: 'done',
};

/** What an operator has to deal with. */
export const STANDING: readonly AlarmState[] = ['unacknowledged', 'returned', 'acknowledged'];

export interface AlarmFilter {
  readonly states: readonly AlarmState[];
  readonly level: AlarmLevel | undefined;
  readonly group: string | undefined;
  readonly text: string;
  readonly order: 'severity' | 'newest';
}

/** Whether the server would list it, so that changes can be put into the list as they come. */
export function matches(alarm: AlarmView, { states, level, group, text }: AlarmFilter): boolean {
  if (!states.includes(alarm.state) || (level !== undefined && alarm.level !== level)) return false;
  if (group !== undefined && alarm.group !== group) return false;
  const needle = text.trim().toLowerCase();
  return (
    needle === '' ||
    [alarm.title, alarm.description, alarm.source].some((field) => field.toLowerCase().includes(needle))
  );
}

/** As the server orders them: most severe first, then last raised first. */
export function sortAlarms(alarms: readonly AlarmView[], order: AlarmFilter['order']): AlarmView[] {
  return [...alarms].sort(
    (a, b) =>
      (order === 'severity' ? severity(a.level) - severity(b.level) : 0) ||
      (b.raisedAt ?? 0) - (a.raisedAt ?? 0) ||
      (a.id < b.id ? -1 : 1),
  );
}

/** What makes sense in each state (docs/alarms.md); the server has the last word. */
const COMMANDS: Readonly<Record<AlarmState, readonly AlarmCommandName[]>> = {
  unacknowledged: ['acknowledge', 'resolve', 'shelve', 'suppress', 'outOfService'],
  returned: ['acknowledge', 'resolve', 'shelve', 'suppress', 'outOfService'],
  acknowledged: ['resolve', 'shelve', 'suppress', 'outOfService'],
  shelved: ['unshelve', 'shelve', 'suppress', 'outOfService'],
  suppressed: ['unsuppress', 'outOfService'],
  outOfService: ['returnToService'],
  normal: ['shelve', 'suppress', 'outOfService'],
};

export function commandsFor({ state }: Pick<AlarmView, 'state'>): readonly AlarmCommandName[] {
  return COMMANDS[state];
}

export const COMMAND_NAMES: Readonly<Record<AlarmCommandName, string>> = {
  acknowledge: 'Acknowledge',
  resolve: 'Resolve',
  clear: 'Clear',
  shelve: 'Shelve',
  unshelve: 'Unshelve',
  suppress: 'Suppress',
  unsuppress: 'End suppression',
  outOfService: 'Out of service',
  returnToService: 'Return to service',
  note: 'Add note',
};
