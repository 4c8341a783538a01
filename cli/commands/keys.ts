import { InvalidArgumentError, type Command } from 'commander';
import type { ApiKeyView } from '../../actors/client/access.js';
import type { Role } from '../../site/access.js';
import { ROLES } from '../../site/access.js';
import type { Cli } from '../cli.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatTime, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';
import { parseRole } from './users.js';

const DAY_MS = 86_400_000;

export function addKeys(program: Command, cli: Cli): void {
  const keys = program
    .command('keys')
    .helpGroup(GROUPS.access)
    .summary('list, create, remove')
    .description('API keys, with which programs come in. Lists them when no command is given.')
    .addHelpText(
      'after',
      examples('statewatt keys create scada --role viewer --days 365', 'statewatt keys remove 3kTmV0aN'),
    );

  keys
    .command('list', { isDefault: true })
    .description('list every key, without the keys themselves')
    .action(() =>
      cli.withClient(async (client) => {
        const list = await client.access.keys();
        if (cli.json) await cli.document(list);
        else await cli.table(columns(cli.now()), list);
      }),
    );

  keys
    .command('create')
    .description('make a key; it is shown this once')
    .argument('<name>', 'of the program that gets it')
    .requiredOption('--role <role>', `one of ${ROLES.join(', ')}`, parseRole)
    .option('--days <n>', 'how long it is good for (default: until it is removed)', parseDays)
    .action((name: string, { role, days }: { role: Role; days?: number }) =>
      cli.withClient(async (client) => {
        const end = days === undefined ? {} : { endsAt: cli.now() + days * DAY_MS };
        const created = await client.access.createKey({ name, role, ...end });
        if (cli.json) return cli.document(created);
        await cli.line(`${safe(created.name)} is ${created.role}, key ${safe(created.id)}`);
        await cli.line(`key, shown this once: ${created.key}`);
      }),
    );

  keys
    .command('remove')
    .description('end a key')
    .argument('<id>')
    .action((id: string) =>
      cli.withClient(async (client) => {
        await client.access.removeKey(id);
        if (!cli.json) await cli.line(`${safe(id)} is no key any more`);
      }),
    );
}

function parseDays(text: string): number {
  const days = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (days < 1) throw new InvalidArgumentError('Allowed are whole days from 1 to 99999.');
  return days;
}

function columns(now: number): readonly Column<ApiKeyView>[] {
  return [
    { title: 'ID', value: (key) => safe(key.id) },
    { title: 'NAME', value: (key) => safe(key.name) },
    { title: 'ROLE', value: (key) => key.role },
    { title: 'AGE', value: (key) => formatAge(key.createdAt, now), align: 'right' },
    { title: 'ENDS', value: (key) => (key.endsAt === null ? NOTHING : formatTime(key.endsAt)) },
  ];
}
