import { Option, type Command } from 'commander';
import type {
  LedgerAccount,
  LedgerAccountsQuery,
  LedgerQuery,
  LedgerQueryFilter,
  LedgerReading,
  LedgerTotals,
} from '../../actors/client/ledger.js';
import { ACCOUNT_KINDS, LEDGER_STATUSES, LEDGER_SUM_NAMES } from '../../site/minting/ledger.js';
import type { Cli } from '../cli.js';
import { writeFile } from '../output-file.js';
import { parseLimit, parseSequence, parseTime } from '../parse.js';
import { printFields } from '../render/fields.js';
import type { Column } from '../render/table.js';
import { NOTHING, formatAge, formatTime, safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

export function addLedger(program: Command, cli: Cli): void {
  const ledger = program
    .command('ledger')
    .helpGroup(GROUPS.look)
    .summary('readings, accounts, totals, reading, export')
    .description('Readings and what became of them. Lists readings when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt ledger --user anna --status failed',
        'statewatt ledger accounts --by user --text anna',
        'statewatt ledger totals --wallet 5C4w…',
        'statewatt ledger reading METER_001 42',
        'statewatt ledger export --user anna --from -30d -o anna.csv',
      ),
    );
  const status = () => new Option('--status <status>', 'only those that are').choices([...LEDGER_STATUSES]);
  filtered(ledger.command('readings', { isDefault: true }), cli)
    .description('readings, a page at a time')
    .addOption(status())
    .addOption(new Option('--order <order>', 'newest (default) or oldest first').choices(['newest', 'oldest']))
    .option('--limit <n>', 'readings of a page, 1 … 1000 (default: 100)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .allowExcessArguments() // Checked here: as the default command it gets what no other command is called.
    .action((query: LedgerQuery, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) {
        const allowed = ledger.commands.map((each) => each.name()).join(', ');
        command.error(`error: unknown command '${unknown}'. Allowed are ${allowed}.`);
      }
      return cli.withClient(async (client) => {
        const page = await client.ledger.readings(query);
        if (cli.json) {
          await cli.document(page);
          return;
        }
        await cli.table(columns(cli.now()), page.readings);
        if (page.nextCursor !== null) await cli.remark(`--cursor ${safe(page.nextCursor)} shows the next page.`);
      });
    });
  filtered(ledger.command('accounts'), cli)
    .description('users, wallets or meters that have readings, with their sums')
    .addOption(new Option('--by <kind>', 'what an account is (default: meter)').choices([...ACCOUNT_KINDS]))
    .option('--text <text>', 'only those whose id, user or wallet has this in it')
    .option('--limit <n>', 'accounts of a page, 1 … 1000 (default: 100)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .action((query: LedgerAccountsQuery) =>
      cli.withClient(async (client) => {
        const page = await client.ledger.accounts(query);
        if (cli.json) {
          await cli.document(page);
          return;
        }
        await cli.table(ACCOUNT_COLUMNS, page.accounts);
        if (page.nextCursor !== null) await cli.remark(`--cursor ${safe(page.nextCursor)} shows the next page.`);
      }),
    );
  filtered(ledger.command('totals'), cli)
    .description('how much is minted, pending, failed, held and refused')
    .action((filter: LedgerQueryFilter) =>
      cli.withClient(async (client) => printTotals(cli, await client.ledger.totals(filter))),
    );
  ledger
    .command('reading')
    .description('what became of one reading')
    .argument('<meter>', 'meter')
    .argument('<sequence>', 'its sequence', parseSequence)
    .action((meter: string, sequence: number) =>
      cli.withClient(async (client) => printReading(cli, await client.ledger.reading(meter, sequence))),
    );
  filtered(ledger.command('export'), cli)
    .description('readings as a file of CSV, oldest first')
    .addOption(status())
    .option('-o, --output <file>', 'where to write it (default: the standard output)')
    .action(({ output, ...filter }: LedgerQueryFilter & { output?: string }) =>
      cli.withClient(async (client) => {
        const pieces = client.ledger.export(filter, cli.dependencies.interruption());
        if (output === undefined) for await (const piece of pieces) await cli.out.write(piece);
        else await writeFile(output, pieces);
      }),
    );
}

/** Options that say which readings are meant. */
function filtered(command: Command, cli: Cli): Command {
  const time = (text: string) => parseTime(text, cli.now());
  return command
    .option('--user <name>', 'only those of this user')
    .option('--wallet <address>', 'only those of this wallet')
    .option('--meter <id>', 'only those of this meter')
    .option('--from <time>', 'only those that end at this time or later', time)
    .option('--to <time>', 'only those that end before this time', time);
}

const ACCOUNT_COLUMNS: readonly Column<LedgerAccount>[] = [
  { title: 'ID', value: ({ id }) => safe(id) },
  { title: 'USER', value: ({ user }) => safe(user), shrinks: true },
  { title: 'METERS', value: ({ meters }) => String(meters), align: 'right' },
  { title: 'LATEST', value: ({ latest }) => formatTime(latest) },
  ...LEDGER_SUM_NAMES.map((name): Column<LedgerAccount> => ({
    title: name.toUpperCase(),
    value: (account) => String(account[name].readings),
    align: 'right',
    tone: (account) => (name === 'failed' && account.failed.readings > 0 ? 'alarm' : 'none'),
  })),
  { title: 'KWH MINTED', value: ({ minted }) => minted.kwh, align: 'right' },
  { title: 'TOKENS MINTED', value: ({ minted }) => minted.tokens, align: 'right' },
];

function columns(now: number): readonly Column<LedgerReading>[] {
  return [
    { title: 'METER', value: ({ meter }) => safe(meter) },
    { title: 'SEQUENCE', value: ({ sequence }) => String(sequence), align: 'right' },
    { title: 'TO', value: ({ end }) => formatTime(end) },
    { title: 'KWH', value: ({ kwh }) => kwh, align: 'right' },
    { title: 'TOKENS', value: ({ tokens }) => tokens, align: 'right' },
    { title: 'STATUS', value: ({ status }) => status, tone: ({ status }) => (status === 'failed' ? 'alarm' : 'none') },
    { title: 'AGE', value: ({ since }) => formatAge(since, now), align: 'right' },
    { title: 'BATCH', value: ({ batch }) => safe(batch ?? NOTHING) },
    { title: 'USER', value: ({ user }) => safe(user), shrinks: true },
    { title: 'SIGNATURE', value: ({ signature }) => safe(signature ?? NOTHING), shrinks: true },
  ];
}

async function printTotals(cli: Cli, totals: LedgerTotals): Promise<void> {
  if (cli.json) {
    await cli.document(totals);
    return;
  }
  await cli.table(
    [
      { title: 'STATUS', value: ({ name }) => name },
      { title: 'READINGS', value: ({ readings }) => String(readings), align: 'right' },
      { title: 'KWH', value: ({ kwh }) => kwh, align: 'right' },
      { title: 'TOKENS', value: ({ tokens }) => tokens, align: 'right' },
    ],
    LEDGER_SUM_NAMES.map((name) => ({ name, ...totals[name] })),
  );
}

async function printReading(cli: Cli, reading: LedgerReading): Promise<void> {
  if (cli.json) {
    await cli.document(reading);
    return;
  }
  await printFields(cli, [
    ['reading', `${safe(reading.meter)}, ${reading.sequence}`],
    ['interval', `${formatTime(reading.start)} to ${formatTime(reading.end)}`],
    ['energy', `${reading.kwh} kWh`],
    ['tokens', `${reading.tokens} base units`],
    ['status', `${reading.status} since ${formatTime(reading.since)}`],
    ['user', safe(reading.user)],
    ['wallet', safe(reading.wallet)],
    ['batch', safe(reading.batch ?? NOTHING)],
    ['signature', safe(reading.signature ?? NOTHING)],
  ]);
}
