import type { ConfigurationDiff } from '../../actors/client/configuration.js';
import { isEmpty, SECTIONS, type FieldChange, type ItemChange } from '../../site/config/versions/changes.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { safe } from './text.js';
import type { Tone } from './tone.js';

const MARKS = { added: '+', removed: '-', changed: '~' } as const;
const TONES: Readonly<Record<ItemChange['change'], Tone>> = { added: 'none', removed: 'alarm', changed: 'warning' };

/** What would be another, for people and for programs; the exit code tells whether anything would. */
export async function printDiff(cli: Cli, diff: ConfigurationDiff): Promise<void> {
  const { changes } = diff;
  cli.exitCode = isEmpty(changes) ? EXIT.ok : EXIT.bad;
  if (cli.json) return cli.document(diff);
  if (isEmpty(changes)) return cli.line('no change');
  if (changes.settings.length > 0) await cli.line('settings');
  for (const field of changes.settings) await cli.line(`  ~ ${fieldText(field)}`, 'warning');
  for (const section of SECTIONS) {
    const items = changes.items.filter((item) => item.section === section);
    if (items.length > 0) await cli.line(section);
    for (const item of items) await printItem(cli, item);
  }
}

async function printItem(cli: Cli, { id, name, change, fields, points }: ItemChange): Promise<void> {
  const label = name === undefined ? safe(id) : `${safe(id)} ${safe(name)}`;
  await cli.line(`  ${MARKS[change]} ${label}`, TONES[change]);
  for (const field of fields) await cli.line(`      ${fieldText(field)}`);
  if (points === undefined) return;
  if (points.added.length > 0) await cli.line(`      points + ${points.added.join(' ')}`);
  if (points.removed.length > 0) await cli.line(`      points - ${points.removed.join(' ')}`, 'alarm');
  for (const { point, fields: changed } of points.changed) {
    await cli.line(`      point ${point}: ${changed.map(fieldText).join(', ')}`);
  }
  const rest = points.changedInAll - points.changed.length;
  if (rest > 0) await cli.line(`      and ${rest} points more`);
}

function fieldText({ path, before, after }: FieldChange): string {
  return `${safe(path)}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: unknown): string {
  return value === undefined ? 'nothing' : safe(JSON.stringify(value));
}
