import { ALARM_LEVELS, type AlarmLevel, type AlarmRecord } from '../alarms.js';
import type { NotifiedChange } from './target.js';

/** One change of one alarm that somebody is to be told. */
export interface Notice {
  /** Names episode and change for ever: `<alarm>/<occurrence>/<revision>`. */
  readonly key: string;
  readonly change: NotifiedChange;
  readonly alarm: AlarmRecord;
}

/** A notice in a message that stands for many. */
export interface NoticeSummary {
  readonly key: string;
  readonly change: NotifiedChange;
  readonly at: number;
  readonly id: string;
  readonly title: string;
  readonly level: AlarmLevel;
  readonly source: string;
}

/** Many notices, counted. */
export interface Tally {
  readonly count: number;
  /** When the first and the last of them happened, ms since the Unix epoch. */
  readonly from: number;
  readonly to: number;
  readonly byLevel: Readonly<Partial<Record<AlarmLevel, number>>>;
  readonly byChange: Readonly<Partial<Record<NotifiedChange, number>>>;
  /** Those that came first. */
  readonly first: readonly NoticeSummary[];
}

/** What a target gets: one change of an alarm, or how many more there were. */
export type NotificationMessage =
  | ({ readonly type: 'alarm'; readonly at: number } & Notice)
  | ({ readonly type: 'digest'; readonly at: number } & Tally);

/** Notices that a digest names one by one. */
const NAMED = 10;

export function noticeKey({ id, occurrences, revision }: AlarmRecord): string {
  return `${id}/${occurrences}/${revision}`;
}

/** The tally with one more notice. */
export function counted(tally: Tally | null, { key, change, alarm }: Notice): Tally {
  const { id, title, level, source } = alarm;
  const { at } = alarm.change;
  const one = { key, change, at, id, title, level, source };
  return merged(tally, {
    ...{ count: 1, from: at, to: at, byLevel: { [level]: 1 }, byChange: { [change]: 1 } },
    first: [one],
  });
}

/** Both tallies as one; the first is the earlier one. */
export function merged(one: Tally | null, other: Tally | null): Tally {
  if (one === null || other === null) return (one ?? other) as Tally;
  return {
    count: one.count + other.count,
    from: Math.min(one.from, other.from),
    to: Math.max(one.to, other.to),
    byLevel: sums(one.byLevel, other.byLevel),
    byChange: sums(one.byChange, other.byChange),
    first: one.first.length >= NAMED ? one.first : [...one.first, ...other.first].slice(0, NAMED),
  };
}

function sums(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Record<string, number> {
  const sum = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** The message for people: a line, and what there is to say more. Times are UTC, as their readers may be anywhere. */
export function messageText(message: NotificationMessage, site: string): { subject: string; text: string } {
  return message.type === 'alarm' ? noticeText(message, site) : digestText(message, site);
}

function noticeText({ change, alarm }: Notice, site: string): { subject: string; text: string } {
  const { id, title, description, level, source, group, value, note, raisedAt, occurrences } = alarm;
  const lines = [
    `${title}`,
    ...(description === '' ? [] : [description]),
    '',
    `level     ${level}`,
    `change    ${change} at ${time(alarm.change.at)}, by ${alarm.change.by}`,
    `state     ${alarm.state}`,
    `source    ${source}`,
    ...(group === source ? [] : [`group     ${group}`]),
    ...(value === null ? [] : [`value     ${value}`]),
    ...(raisedAt === null
      ? []
      : [`raised    ${time(raisedAt)}, ${occurrences === 1 ? 'once' : `${occurrences} times`} so far`]),
    ...(note === null ? [] : [`note      ${note}`]),
    `alarm     ${id}`,
  ];
  return { subject: oneLine(`[${site}] ${level} ${change}: ${title} (${source})`), text: `${lines.join('\n')}\n` };
}

function digestText(digest: Tally, site: string): { subject: string; text: string } {
  const levels = ALARM_LEVELS.flatMap((level) => {
    const count = digest.byLevel[level] ?? 0;
    return count === 0 ? [] : [`${count} ${level}`];
  }).join(', ');
  const changes = Object.entries(digest.byChange)
    .map(([change, count]) => `${count} ${change}`)
    .join(', ');
  const named = digest.first.map(
    ({ at, level, change, title, source, id }) => `${time(at)}  ${level} ${change}: ${title} (${source})  ${id}`,
  );
  const rest = digest.count - named.length;
  const lines = [
    `${digest.count} more changes of alarms from ${time(digest.from)} to ${time(digest.to)}`,
    `${levels}; ${changes}`,
    '',
    ...named,
    ...(rest === 0 ? [] : [`and ${rest} more`]),
  ];
  return { subject: oneLine(`[${site}] ${digest.count} more: ${levels}`), text: `${lines.join('\n')}\n` };
}

function time(at: number): string {
  return new Date(at).toISOString();
}

/** A line break in a title must not become a header of a mail. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').slice(0, 250);
}
