import { Option, type Command } from 'commander';
import type { Mapping, MappingView } from '../../actors/client/history-mappings.js';
import { STORE_MODES } from '../../site/history/mapping.js';
import type { Cli } from '../cli.js';
import type { Column } from '../render/table.js';
import { formatAge, NOTHING, safe } from '../render/text.js';
import { examples } from './help.js';

/** `history mapping`: what is stored of which points. */
export function addHistoryMapping(history: Command, cli: Cli): void {
  const mapping = history
    .command('mapping')
    .summary('what is stored of which points')
    .description('What is stored of which points. The site file’s mappings count before those of callers.')
    .addHelpText(
      'after',
      examples(
        'statewatt history mapping list',
        "statewatt history mapping put cells --points '1001:T:*' --store change --deadband 0.1",
        'statewatt history mapping remove cells',
      ),
    );

  mapping
    .command('list', { isDefault: true })
    .description('list them, in the order in which they count')
    .action(() =>
      cli.withClient(async (client) => {
        const { mappings } = await client.archive.mappings();
        if (cli.json) await cli.document(mappings);
        else await cli.table(columns(cli.now()), mappings);
      }),
    );

  mapping
    .command('put')
    .description('make a mapping, or another one in its place')
    .argument('<id>', 'names it')
    .option('--points <pattern...>', 'which points, such as 1001:T:* (default: all)')
    .option('--names <pattern...>', 'names of points, * stands for any text (default: any)')
    .addOption(new Option('--store <mode>', 'which readings of them (default: all)').choices(STORE_MODES))
    .option('--deadband <number>', 'with change: a smaller change is not stored', Number)
    .option('--max-interval-ms <ms>', 'with change: longest time between two values', Number)
    .option('--interval-ms <ms>', 'with interval: one value each', Number)
    .addOption(new Option('--source <source>', 'redis: hashes that others write').choices(['channel', 'redis']))
    .option('--collect-ms <ms>', 'with redis: time between two looks', Number)
    .action((id: string, options: Mapping) =>
      cli.withClient(async (client) => {
        const made = await client.archive.putMapping(id, options);
        if (cli.json) await cli.document(made);
        else await cli.line(`${safe(id)}: ${storeOf(made)} of ${pointsOf(made)}`);
      }),
    );

  mapping
    .command('remove')
    .description('remove one')
    .argument('<id>', 'which one')
    .action((id: string) =>
      cli.withClient(async (client) => {
        await client.archive.removeMapping(id);
        if (!cli.json) await cli.line(`${safe(id)}: removed`);
      }),
    );
}

function columns(now: number): readonly Column<MappingView>[] {
  return [
    { title: 'ID', value: ({ id }) => safe(id ?? NOTHING) },
    { title: 'BY', value: ({ definedBy }) => (definedBy === 'site' ? 'site file' : 'caller') },
    { title: 'STORE', value: (mapping) => storeOf(mapping) },
    { title: 'OF', value: (mapping) => pointsOf(mapping), shrinks: true },
    {
      title: 'SINCE',
      value: ({ updatedAt }) => (updatedAt === null ? NOTHING : formatAge(updatedAt, now)),
      align: 'right',
    },
    {
      title: 'PROBLEM',
      value: ({ problem }) => safe(problem ?? NOTHING),
      tone: ({ problem }) => (problem === null ? 'none' : 'alarm'),
      shrinks: true,
    },
  ];
}

function storeOf({ store = 'all', deadband, maxIntervalMs, intervalMs, source, collectMs }: Mapping): string {
  const parts: string[] = [store];
  if (deadband !== undefined) parts.push(`deadband ${deadband}`);
  if (maxIntervalMs !== undefined) parts.push(`${maxIntervalMs} ms at most`);
  if (intervalMs !== undefined) parts.push(`${intervalMs} ms`);
  if (source === 'redis') parts.push(`from Redis each ${collectMs ?? 1_000} ms`);
  return parts.join(', ');
}

function pointsOf({ points, names }: Mapping): string {
  const texts = [points ?? [], names ?? []].flat();
  return safe(texts.join(', '));
}
