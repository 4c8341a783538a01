import type { AlarmJournalEntry, AlarmStatistics, AlarmView } from '../../actors/client/alarms.js';
import { ALARM_LEVELS, ALARM_STATES, isOpen, type AlarmLevel } from '../../site/alarms.js';
import type { Cli } from '../cli.js';
import { printFields, type Field } from './fields.js';
import type { Column } from './table.js';
import { NOTHING, formatAge, formatTime, formatValue, safe } from './text.js';
import type { Tone } from './tone.js';

export function alarmColumns(now: number): readonly Column<AlarmView>[] {
  return [
    { title: 'ID', value: (alarm) => safe(alarm.id) },
    { title: 'AGE', value: (alarm) => formatAge(alarm.raisedAt, now), align: 'right' },
    { title: 'LEVEL', value: (alarm) => alarm.level, tone: alarmTone },
    { title: 'STATE', value: (alarm) => alarm.state },
    { title: 'SOURCE', value: (alarm) => safe(alarm.source), shrinks: true },
    { title: 'TITLE', value: (alarm) => safe(alarm.title), shrinks: true },
    { title: 'BY', value: (alarm) => safe(alarm.acknowledgedBy ?? alarm.hidden?.by ?? NOTHING), shrinks: true },
  ];
}

/** One alarm with its journal. */
export async function printAlarm(cli: Cli, alarm: AlarmView, journal: readonly AlarmJournalEntry[]): Promise<void> {
  const { hidden } = alarm;
  const until = hidden?.until === null || hidden === null ? '' : `, until ${formatTime(hidden.until)}`;
  const fields: (Field | undefined)[] = [
    ['alarm', safe(alarm.id)],
    ['title', safe(alarm.title)],
    alarm.description === '' ? undefined : ['description', safe(alarm.description)],
    ['level', alarm.level, alarmTone(alarm)],
    ['state', `${alarm.state} since ${formatTime(alarm.since)} (${alarm.status})`],
    ['condition', alarm.condition ? 'there' : 'gone'],
    ['source', safe(alarm.source)],
    ['rule', safe(alarm.ruleId ?? NOTHING)],
    ['group', safe(alarm.group)],
    ['value', formatValue(alarm.value)],
    [
      'raised',
      `${moment(alarm.raisedAt, cli.now())}, ${alarm.occurrences === 1 ? 'once' : `${alarm.occurrences} times`} so far`,
    ],
    [
      'acknowledged',
      alarm.acknowledgedAt === null ? NOTHING : `${moment(alarm.acknowledgedAt, cli.now())}${who(alarm)}`,
    ],
    hidden === null
      ? undefined
      : ['hidden', safe(`by ${hidden.by}${until}${hidden.reason === null ? '' : `: ${hidden.reason}`}`)],
    ['escalations', String(alarm.escalations)],
    ['note', safe(alarm.note ?? NOTHING)],
  ];
  await printFields(
    cli,
    fields.filter((field) => field !== undefined),
  );
  await cli.line('');
  await cli.table(JOURNAL, journal);
}

function who({ acknowledgedBy }: AlarmView): string {
  return acknowledgedBy === null ? '' : `, by ${safe(acknowledgedBy)}`;
}

function moment(at: number | null, now: number): string {
  return at === null ? NOTHING : `${formatTime(at)}, ${formatAge(at, now)} ago`;
}

const JOURNAL: readonly Column<AlarmJournalEntry>[] = [
  { title: 'TIME', value: (entry) => formatTime(entry.at) },
  { title: 'WHAT', value: (entry) => entry.what },
  { title: 'STATE', value: (entry) => entry.state },
  { title: 'BY', value: (entry) => safe(entry.by), shrinks: true },
  { title: 'TEXT', value: (entry) => safe(entry.text ?? NOTHING), shrinks: true },
];

export async function printStatistics(cli: Cli, statistics: AlarmStatistics): Promise<void> {
  const { now, peak, flood } = statistics.raisedPer10Minutes;
  const counts = (names: readonly string[], of: Readonly<Record<string, number>>) =>
    names.flatMap((name) => ((of[name] ?? 0) === 0 ? [] : [`${of[name]} ${name}`])).join(', ') || NOTHING;
  await printFields(cli, [
    ['standing', String(statistics.standing)],
    ['by level', counts(ALARM_LEVELS, statistics.byLevel)],
    ['by state', counts(ALARM_STATES, statistics.byState)],
    ['stale', `${statistics.stale}, open for more than a day`],
    [
      'raised in 10 min',
      `${rounded(now)} for each operator, at most ${rounded(peak)} in the last hour${flood ? ': a flood' : ''}`,
      flood ? 'alarm' : 'none',
    ],
  ]);
  const often = (title: string): readonly Column<AlarmStatistics['topTen'][number]>[] => [
    { title, value: (alarm) => safe(alarm.id) },
    { title: 'RAISED', value: (alarm) => String(alarm.raised), align: 'right' },
    ...named,
  ];
  await section(cli, often('MOST OFTEN IN AN HOUR'), statistics.topTen);
  await section(cli, often('CHATTERING'), statistics.chattering);
  await section(cli, FIRST_OUT, statistics.firstOut);
}

async function section<Row>(cli: Cli, columns: readonly Column<Row>[], rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  await cli.line('');
  await cli.table(columns, rows);
}

const named: readonly Column<{ level: AlarmLevel; source: string; title: string }>[] = [
  { title: 'LEVEL', value: (alarm) => alarm.level },
  { title: 'SOURCE', value: (alarm) => safe(alarm.source), shrinks: true },
  { title: 'TITLE', value: (alarm) => safe(alarm.title), shrinks: true },
];

const FIRST_OUT: readonly Column<AlarmStatistics['firstOut'][number]>[] = [
  { title: 'FIRST OUT', value: (alarm) => safe(alarm.id) },
  { title: 'GROUP', value: (alarm) => safe(alarm.group), shrinks: true },
  { title: 'OPEN', value: (alarm) => String(alarm.standing), align: 'right' },
  { title: 'RAISED', value: (alarm) => formatTime(alarm.raisedAt) },
  ...named,
];

function rounded(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** Red: severe, and nobody deals with it. */
function alarmTone(alarm: AlarmView): Tone {
  if (!isOpen(alarm) || alarm.status !== 'Active') return 'none';
  return alarm.level === 'Critical' || alarm.level === 'Major' ? 'alarm' : 'warning';
}
