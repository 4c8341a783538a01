import type { Command } from 'commander';
import type { StatewattClient } from '../../actors/client/client.js';
import type { ConfigurationEntry } from '../../actors/client/configuration.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { parseCount, parseLimit } from '../parse.js';
import { printDiff } from '../render/changes.js';
import type { Column } from '../render/table.js';
import { formatTime, safe, safeLines } from '../render/text.js';
import { readText } from '../file-text.js';
import { GROUPS, examples } from './help.js';

export function addConfig(program: Command, cli: Cli): void {
  const config = program
    .command('config')
    .helpGroup(GROUPS.act)
    .summary('status, log, show, diff, rollback')
    .description('The configuration in force, and those before it. Tells what is in force when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt config log',
        'statewatt config show 7 site.yaml',
        'statewatt config diff 6 7',
        'statewatt config rollback 6',
      ),
    );
  addStatus(config, cli);
  addLog(config, cli);
  addShow(config, cli);
  config
    .command('diff')
    .description(
      'what one configuration would change of another; exit code 0: nothing, 1: something, 2: one cannot be used',
    )
    .argument('<from>', 'number of a configuration', parseCount)
    .argument('[to]', 'number of another (default: what lies on the disk)', parseCount)
    .action((from: number, to: number | undefined) =>
      cli.withClient(async (client) =>
        printDiff(cli, await client.configuration.diff({ from, ...(to === undefined ? {} : { to }) })),
      ),
    );
  addRollback(config, cli);
}

function addStatus(config: Command, cli: Cli): void {
  config
    .command('status', { isDefault: true })
    .description('what is in force, and whether what lies on the disk is another or refused')
    .action(() =>
      cli.withClient(async (client) => {
        const status = await client.configuration.status();
        if (status.disk.state === 'refused') cli.exitCode = EXIT.bad;
        if (cli.json) return cli.document(status);
        const { inForce, disk, watched } = status;
        const when = watched ? '' : ', which is taken at the next start';
        await cli.line(
          inForce === null
            ? 'nothing is in the journal yet'
            : `in force: configuration ${inForce.number} since ${formatTime(inForce.at)} (${inForce.cause}, ${safe(inForce.by)})`,
        );
        if (disk.state === 'inForce') await cli.line(`on the disk: the same, ${safe(disk.path)}`);
        if (disk.state === 'differs') await cli.line(`on the disk: another, ${safe(disk.path)}${when}`, 'warning');
        if (disk.state !== 'refused') return;
        await cli.line(`on the disk: refused, ${safe(disk.path)}`, 'alarm');
        for (const { file, line, column, message } of disk.problems) {
          await cli.line(safeLines(`${file}${line === 0 ? '' : `:${line}:${column}`}: ${message}`));
        }
      }),
    );
}

function addLog(config: Command, cli: Cli): void {
  config
    .command('log')
    .description('the configurations that the site had, newest first')
    .option('--limit <n>', 'entries at most (default: 100)', parseLimit)
    .option('--cursor <cursor>', 'go on from there')
    .action(({ limit = 100, cursor }: { limit?: number; cursor?: string }) =>
      cli.withClient(async (client) => {
        const query = { limit: Math.min(limit, 1_000), ...(cursor === undefined ? {} : { cursor }) };
        const page = await client.configuration.log(query);
        if (cli.json) return cli.document(page);
        await cli.table(COLUMNS, page.entries);
        if (page.nextCursor !== null) await cli.remark(`There are more: repeat with --cursor ${page.nextCursor}`);
      }),
    );
}

const COLUMNS: readonly Column<ConfigurationEntry>[] = [
  { title: 'NUMBER', value: (entry) => String(entry.number), align: 'right' },
  { title: 'SINCE', value: (entry) => formatTime(entry.at) },
  { title: 'CAUSE', value: (entry) => (entry.of === null ? entry.cause : `${entry.cause} to ${entry.of}`) },
  { title: 'BY', value: (entry) => safe(entry.by) },
  { title: 'NODE', value: (entry) => safe(entry.node) },
  { title: 'FILES', value: (entry) => String(entry.files), align: 'right' },
  { title: 'HASH', value: (entry) => entry.hash.slice(0, 8) },
  { title: 'CHANGES', value: (entry) => safe(entry.summary), shrinks: true },
];

function addShow(config: Command, cli: Cli): void {
  config
    .command('show')
    .description('one configuration with its files, or the text of one of them')
    .argument('<number>', 'number of a configuration', parseCount)
    .argument('[file]', 'one of its files')
    .action((number: number, file: string | undefined) =>
      cli.withClient((client) =>
        file === undefined ? showEntry(cli, client, number) : showFile(cli, client, number, file),
      ),
    );
}

async function showEntry(cli: Cli, client: StatewattClient, number: number): Promise<void> {
  const entry = await client.configuration.get(number);
  if (cli.json) return cli.document(entry);
  await cli.line(
    `configuration ${number}, ${entry.cause} of ${formatTime(entry.at)} by ${safe(entry.by)} at ${safe(entry.node)}`,
  );
  await cli.line(`  ${safe(entry.summary)}`);
  await cli.line(`  ${entry.hash}`);
  if (entry.secrets > 0) await cli.line(`  cannot be put back: ${entry.secrets} secrets are not kept`, 'warning');
  await cli.table(
    [
      { title: 'FILE', value: (file) => safe(file.path) },
      { title: 'BYTES', value: (file) => String(file.bytes), align: 'right' },
      { title: 'SHA-256', value: (file) => file.sha256.slice(0, 16) },
    ],
    entry.fileList,
  );
}

async function showFile(cli: Cli, client: StatewattClient, number: number, path: string): Promise<void> {
  const { text, encoding } = await readText(client, number, path);
  if (cli.json) await cli.document({ number, path, text, encoding });
  else await cli.out.write(Buffer.from(text, encoding));
}

function addRollback(config: Command, cli: Cli): void {
  config
    .command('rollback')
    .description('write the files of an earlier configuration back; they come into force as any edit does')
    .argument('<number>', 'number of a configuration', parseCount)
    .option('--by <name>', 'who does it, where nobody has to sign in (default: the user of this terminal)')
    .action((number: number, { by }: { by?: string }) =>
      cli.withClient(async (client) => {
        const { USER, LOGNAME } = cli.dependencies.env;
        const done = await client.configuration.rollBack(number, by ?? USER ?? LOGNAME ?? 'operator');
        if (cli.json) return cli.document(done);
        await cli.line(
          done.inForce === null
            ? `configuration ${number} is on the disk again, and comes into force at the next start`
            : `configuration ${number} is in force again, as ${done.inForce}`,
        );
        if (done.kept !== null) await cli.line(`what lay on the disk is kept as configuration ${done.kept}`);
        for (const path of done.removed) await cli.line(`  removed ${safe(path)}`);
      }),
    );
}
