import type { Command } from 'commander';
import { Option } from 'commander';
import {
  ALARM_ORDERS,
  type AlarmCommand,
  type AlarmsPage,
  type AlarmsQuery,
  type AlarmView,
} from '../../actors/client/alarms.js';
import type { StatewattClient } from '../../actors/client/client.js';
import { toStatewattError } from '../../errors/error.js';
import { ALARM_LEVELS, ALARM_STATES, ALARM_STATUSES } from '../../site/alarms.js';
import type { Cli } from '../cli.js';
import { exitCodeOf } from '../exit-codes.js';
import { parseCount, parseLimit, parseSpan, parseTime } from '../parse.js';
import { alarmColumns, printAlarm, printStatistics } from '../render/alarms.js';
import { safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

/** Journal entries of one alarm that `show` asks for at once. */
const JOURNAL_PAGE = 1_000;

export function addAlarms(program: Command, cli: Cli): void {
  const alarms = program
    .command('alarms')
    .helpGroup(GROUPS.act)
    .summary('list, show, ack, resolve, shelve, unshelve, note, stats')
    .description('What is wrong, and who deals with it. Lists alarms when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt alarms --status active --order severity',
        'statewatt alarms --level Critical --since -1d',
        'statewatt alarms ack N8vO2fWv9sGv1kTn4cXb0Q --note "on my way"',
        'statewatt alarms shelve N8vO2fWv9sGv1kTn4cXb0Q --for 2h --reason "known fault"',
      ),
    );
  addList(alarms, cli);
  alarms
    .command('show')
    .description('one alarm, and who did what with it')
    .argument('<id>', 'alarm')
    .action((id: string) => cli.withClient((client) => show(cli, client, id)));
  addAnswer(alarms, cli, 'ack', 'acknowledge: somebody deals with it', (by, { note }) => ({
    ...{ type: 'acknowledge', by },
    ...(note === undefined ? {} : { note }),
  })).option('--note <text>', 'for who looks at it later');
  addAnswer(alarms, cli, 'resolve', 'be done with it: gone and acknowledged at once', (by, { note }) => ({
    ...{ type: 'resolve', by },
    ...(note === undefined ? {} : { note }),
  })).option('--note <text>', 'for who looks at it later');
  addAnswer(alarms, cli, 'shelve', 'hide it for a time', (by, { for: forMs = 0, reason }) => ({
    ...{ type: 'shelve', by, forMs },
    ...(reason === undefined ? {} : { reason }),
  }))
    .requiredOption('--for <span>', 'how long, such as 30m, 8h or 7d, at most a week', parseSpan)
    .option('--reason <text>', 'why');
  addAnswer(alarms, cli, 'unshelve', 'show it again', (by) => ({ type: 'unshelve', by }));
  alarms
    .command('note')
    .description('add a note to an alarm')
    .argument('<id>', 'alarm')
    .argument('<text>', 'the note')
    .option('--by <name>', 'who writes it (default: the user of this terminal)')
    .action((id: string, text: string, { by }: { by?: string }) =>
      cli.withClient((client) => answer(cli, client, [id], { type: 'note', by: nameOf(cli, by), text })),
    );
  alarms
    .command('stats')
    .description('figures of the alarm system: standing, rates, floods, chattering, first-out')
    .option('--operators <n>', 'operators on duty, whom the rates are for', parseCount)
    .action((query: { operators?: number }) =>
      cli.withClient(async (client) => {
        const statistics = await client.alarms.statistics(query);
        if (cli.json) await cli.document(statistics);
        else await printStatistics(cli, statistics);
      }),
    );
}

interface ListOptions extends Omit<AlarmsQuery, 'ruleId' | 'from' | 'to'> {
  rule?: string;
  since?: number;
  until?: number;
  all?: boolean;
}

function addList(alarms: Command, cli: Cli): void {
  const time = (text: string) => parseTime(text, cli.now());
  const words = (flags: string, description: string, choices: readonly string[]) =>
    new Option(flags, description).choices(choices);
  alarms
    .command('list', { isDefault: true })
    .description('list them, the last raised first, a page at a time')
    .addOption(
      words(
        '--status <status>',
        'only those that are',
        ALARM_STATUSES.map((each) => each.toLowerCase()),
      ),
    )
    .addOption(words('--state <state>', 'only those in this state', ALARM_STATES))
    .addOption(words('--level <level>', 'only of this level', ALARM_LEVELS))
    .option('--source <source>', 'only of exactly this source')
    .option('--rule <id>', 'only those that this rule raises')
    .option('--group <group>', 'only of this group')
    .option('--text <text>', 'only with this in title, description or source, any case')
    .option('--since <time>', 'only those raised since', time)
    .option('--until <time>', 'only those raised before', time)
    .addOption(words('--order <order>', 'what comes first (default: newest)', ALARM_ORDERS))
    .option('--limit <n>', 'alarms of a page, 1 … 10000 (default: 100)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .option('--all', 'every page')
    .allowExcessArguments() // Checked here: as the default command it gets what no other command is called.
    .action(({ rule, since, until, all, ...rest }: ListOptions, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) {
        const allowed = alarms.commands.map((each) => each.name()).join(', ');
        command.error(`error: unknown command '${unknown}'. Allowed are ${allowed}.`);
      }
      const query: AlarmsQuery = {
        ...rest,
        ...(rule === undefined ? {} : { ruleId: rule }),
        ...(since === undefined ? {} : { from: since }),
        ...(until === undefined ? {} : { to: until }),
      };
      return cli.withClient((client) => list(cli, client, query, all === true));
    });
}

async function list(cli: Cli, client: StatewattClient, query: AlarmsQuery, all: boolean): Promise<void> {
  let page = await client.alarms.list(query);
  const found: AlarmsPage = { ...page };
  while (all && page.nextCursor !== null) {
    page = await client.alarms.list({ ...query, cursor: page.nextCursor });
    found.alarms = [...found.alarms, ...page.alarms];
    found.nextCursor = page.nextCursor;
  }
  if (cli.json) {
    await cli.document(found);
    return;
  }
  await cli.table(alarmColumns(cli.now()), found.alarms);
  if (found.nextCursor === null) return;
  await cli.remark(
    `${found.alarms.length} of ${found.total}: --all shows every one, --cursor ${safe(found.nextCursor)} the next page.`,
  );
}

async function show(cli: Cli, client: StatewattClient, id: string): Promise<void> {
  const alarm = await client.alarms.get(id);
  let page = await client.alarms.journal(id, { limit: JOURNAL_PAGE });
  const journal = [...page.entries];
  while (page.nextCursor !== null) {
    page = await client.alarms.journal(id, { limit: JOURNAL_PAGE, cursor: page.nextCursor });
    journal.push(...page.entries);
  }
  if (cli.json) await cli.document({ ...alarm, journal });
  else await printAlarm(cli, alarm, journal);
}

interface AnswerOptions {
  by?: string;
  note?: string;
  reason?: string;
  for?: number;
}

/** A command of an operator to one alarm or several. */
function addAnswer(
  alarms: Command,
  cli: Cli,
  name: string,
  description: string,
  command: (by: string, options: AnswerOptions) => AlarmCommand,
): Command {
  return alarms
    .command(name)
    .description(description)
    .argument('<ids...>', 'alarms')
    .option('--by <name>', 'who does it (default: the user of this terminal)')
    .action((ids: string[], options: AnswerOptions) =>
      cli.withClient((client) => answer(cli, client, ids, command(nameOf(cli, options.by), options))),
    );
}

/** Each alarm by itself: one that fails is told and does not keep the next from its turn. */
async function answer(cli: Cli, client: StatewattClient, ids: readonly string[], command: AlarmCommand): Promise<void> {
  const outcomes: unknown[] = [];
  for (const id of ids) {
    try {
      const alarm: AlarmView = await client.alarms.command(id, command);
      outcomes.push(alarm);
      if (!cli.json) await cli.line(`${safe(alarm.id)}: ${alarm.state}, ${safe(alarm.title)}`);
    } catch (thrown) {
      const error = toStatewattError(thrown);
      if (ids.length === 1) throw error;
      cli.exitCode = exitCodeOf(error.category);
      outcomes.push({ id, error: error.toJSON() });
      if (!cli.json) await cli.line(`${safe(id)}: ${safe(error.code)}: ${safe(error.message)}`, 'alarm');
    }
  }
  if (cli.json) await cli.document(outcomes);
}

function nameOf(cli: Cli, by: string | undefined): string {
  const { USER, LOGNAME } = cli.dependencies.env;
  return by ?? USER ?? LOGNAME ?? 'operator';
}
