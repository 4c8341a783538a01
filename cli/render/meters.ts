import type { HeldReadingView, MeterReadingView, MeterView } from '../../actors/client/metering.js';
import type { Cli } from '../cli.js';
import { printFields, type Field } from './fields.js';
import type { Column } from './table.js';
import { NOTHING, formatAge, formatTime, safe } from './text.js';

export function meterColumns(now: number): readonly Column<MeterView>[] {
  return [
    { title: 'ID', value: ({ id }) => safe(id) },
    { title: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'active' ? 'none' : 'alarm') },
    { title: 'USER', value: ({ user }) => safe(user), shrinks: true },
    { title: 'READINGS', value: ({ readings }) => String(readings), align: 'right' },
    { title: 'KWH', value: ({ kwh }) => kwh, align: 'right' },
    { title: 'HELD', value: ({ held }) => String(held), align: 'right' },
    { title: 'SOURCE', value: ({ source }) => sourceText(source), shrinks: true },
    { title: 'REGISTER', value: ({ register }) => register?.kwh ?? NOTHING, align: 'right' },
    { title: 'LAST', value: ({ last }) => formatAge(last?.end ?? null, now), align: 'right' },
    { title: 'WALLET', value: ({ wallet }) => safe(wallet), shrinks: true },
  ];
}

/** One meter. */
export async function printMeter(cli: Cli, meter: MeterView): Promise<void> {
  const { id, state, user, wallet, publicKey, formerKeys, source, register, registeredAt } = meter;
  const { revoked, last, readings, kwh, tokens, held } = meter;
  const fields: Field[] = [
    ['meter', safe(id)],
    [
      'state',
      revoked === null ? state : safe(`revoked at ${formatTime(revoked.at)} by ${revoked.by}: ${revoked.reason}`),
    ],
    ['user', safe(user)],
    ['wallet', safe(wallet)],
    ['key', safe(publicKey ?? NOTHING)],
    ...formerKeys.map((key): Field => ['former key', safe(`${key.publicKey}, until ${formatTime(key.until)}`)]),
    ...(source === null ? [] : [['source', sourceText(source)] as const]),
    ...(register === null ? [] : [['register', registerText(register)] as const]),
    ['registered', formatTime(registeredAt)],
    ['readings', `${readings}, ${kwh} kWh, ${tokens} base units`],
    ['held', String(held)],
    ['last', last === null ? NOTHING : `${last.sequence}, until ${formatTime(last.end)}`],
  ];
  await printFields(cli, fields);
  await cli.line('');
}

function sourceText(source: MeterView['source']): string {
  if (source === null) return NOTHING;
  const { channel, point, unit, rollover, intervalSecs } = source;
  const more = [
    ...(rollover === undefined ? [] : [`to ${rollover}`]),
    ...(intervalSecs === undefined ? [] : [`every ${intervalSecs} s`]),
  ];
  return [`${channel}:T:${point} ${unit}`, ...more].join(', ');
}

function registerText({ kwh, at, replacements }: NonNullable<MeterView['register']>): string {
  const replaced = replacements === 0 ? '' : `, replaced ${replacements === 1 ? 'once' : `${replacements} times`}`;
  return `${kwh} kWh at ${formatTime(at)}${replaced}`;
}

export function readingColumns(now: number): readonly Column<MeterReadingView>[] {
  return [
    { title: 'SEQUENCE', value: ({ sequence }) => String(sequence), align: 'right' },
    { title: 'FROM', value: ({ start }) => formatTime(start) },
    { title: 'TO', value: ({ end }) => formatTime(end) },
    { title: 'KWH', value: ({ kwh }) => kwh, align: 'right' },
    { title: 'STATE', value: ({ state }) => state },
    { title: 'MARKS', value: ({ marks = [] }) => (marks.length === 0 ? NOTHING : marks.join(', ')), shrinks: true },
    { title: 'AGE', value: ({ at }) => formatAge(at, now), align: 'right' },
    { title: 'USER', value: ({ user }) => safe(user), shrinks: true },
  ];
}

export function heldColumns(now: number): readonly Column<HeldReadingView>[] {
  return [
    { title: 'SEQUENCE', value: ({ sequence }) => String(sequence), align: 'right' },
    { title: 'KWH', value: ({ kwh }) => kwh, align: 'right' },
    { title: 'AGE', value: ({ at }) => formatAge(at, now), align: 'right' },
    { title: 'WHY', value: ({ reason }) => safe(reason), shrinks: true },
  ];
}
