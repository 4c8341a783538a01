import type { Command } from 'commander';
import { Option } from 'commander';
import type { StatewattClient } from '../../actors/client/client.js';
import type { MeterCommand, MetersQuery, MeterView, NewMeter } from '../../actors/client/metering.js';
import { ENERGY_UNITS, type EnergyUnit } from '../../site/metering/register.js';
import { parsePointAddress } from '../../site/points.js';
import type { Cli } from '../cli.js';
import { parseLimit } from '../parse.js';
import { heldColumns, meterColumns, printMeter, readingColumns } from '../render/meters.js';
import { safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

/** Readings of a meter that `show` asks for. */
const SHOWN = 20;

export function addMeters(program: Command, cli: Cli): void {
  const meters = program
    .command('meters')
    .helpGroup(GROUPS.act)
    .summary('list, show, register, rotate, reassign, revoke, held, release, refuse')
    .description('Meters, whose they are, and readings that wait for a person. Lists meters when no command is given.')
    .addHelpText(
      'after',
      examples(
        'statewatt meters register METER_001 --key 2f8c… --wallet 5C4w… --user anna',
        'statewatt meters register GRID --point 1003:T:26 --wallet 5C4w… --user anna',
        'statewatt meters --user anna',
        'statewatt meters held METER_001',
        'statewatt meters release METER_001 42',
      ),
    );
  meters
    .command('list', { isDefault: true })
    .description('list them by id, a page at a time')
    .option('--user <name>', 'only those of this user')
    .option('--wallet <address>', 'only those of this wallet')
    .addOption(new Option('--state <state>', 'only those that are').choices(['active', 'revoked']))
    .option('--limit <n>', 'meters of a page, 1 … 1000 (default: 100)', parseLimit)
    .option('--cursor <cursor>', 'go on where a page ended: its nextCursor')
    .allowExcessArguments() // Checked here: as the default command it gets what no other command is called.
    .action((query: MetersQuery, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) {
        const allowed = meters.commands.map((each) => each.name()).join(', ');
        command.error(`error: unknown command '${unknown}'. Allowed are ${allowed}.`);
      }
      return cli.withClient((client) => list(cli, client, query));
    });
  meters
    .command('show')
    .description('one meter, and what became of its first readings')
    .argument('<id>', 'meter')
    .option('--cursor <cursor>', 'readings from where a page ended: its nextCursor')
    .action((id: string, { cursor }: { cursor?: string }) => cli.withClient((client) => show(cli, client, id, cursor)));
  meters
    .command('register')
    .description('register a meter that signs its readings, or one that a channel reads; the same again does nothing')
    .argument('<id>', 'meter')
    .option('--key <key>', 'its ed25519 public key, base58 or hexadecimal')
    .option('--point <address>', 'or its counter: a telemetry point, such as 1003:T:26')
    .addOption(new Option('--unit <unit>', 'of the counter').choices(ENERGY_UNITS).default('kWh'))
    .option('--rollover <value>', 'where the counter begins anew, in its unit', Number)
    .option('--interval <seconds>', 'from one reading of the counter to the next (default: 900)', Number)
    .requiredOption('--wallet <address>', 'who gets the tokens, base58')
    .requiredOption('--user <name>', 'whose it is')
    .action((id: string, options: RegisterOptions, command: Command) => {
      const { key, wallet, user } = options;
      const source = sourceOf(options, command);
      const meter = { id, ...(key === undefined ? {} : { publicKey: key }), ...(source && { source }), wallet, user };
      return cli.withClient(async (client) => tell(cli, await client.metering.register(meter)));
    });
  addCommand(
    meters,
    cli,
    'rotate',
    'give it another key; the former one is taken for a day more',
    (by, { key = '' }) => ({
      ...{ type: 'rotate', publicKey: key, by },
    }),
  ).requiredOption('--key <key>', 'the new public key');
  addCommand(meters, cli, 'reassign', 'give it another owner', (by, { wallet = '', user = '' }) => ({
    ...{ type: 'reassign', wallet, user, by },
  }))
    .requiredOption('--wallet <address>', 'who gets the tokens from now on')
    .requiredOption('--user <name>', 'whose it is from now on');
  addCommand(meters, cli, 'revoke', 'take no more readings of it, for ever', (by, { reason = '' }) => ({
    ...{ type: 'revoke', by, reason },
  })).requiredOption('--reason <text>', 'why');
  meters
    .command('held')
    .description('readings that wait for a person')
    .argument('<id>', 'meter')
    .action((id: string) =>
      cli.withClient(async (client) => {
        const held = await client.metering.held(id);
        if (cli.json) await cli.document(held);
        else await cli.table(heldColumns(cli.now()), held);
      }),
    );
  for (const [type, what] of [
    ['release', 'let a held reading through'],
    ['refuse', 'refuse a held reading'],
  ] as const) {
    meters
      .command(type)
      .description(what)
      .argument('<id>', 'meter')
      .argument('<sequence>', 'of the reading')
      .option('--by <name>', 'who does it (default: the user of this terminal)')
      .action((id: string, sequence: string, { by }: { by?: string }) =>
        cli.withClient(async (client) =>
          tell(cli, await client.metering.command(id, { type, sequence: Number(sequence), by: nameOf(cli, by) })),
        ),
      );
  }
}

interface RegisterOptions {
  readonly key?: string;
  readonly point?: string;
  readonly unit: EnergyUnit;
  readonly rollover?: number;
  readonly interval?: number;
  readonly wallet: string;
  readonly user: string;
}

/** Ends the command for an address that is none of a telemetry point. */
function sourceOf({ point, unit, rollover, interval }: RegisterOptions, command: Command): NewMeter['source'] {
  if (point === undefined) return undefined;
  const address = parsePointAddress(point);
  if (address?.kind !== 'T') {
    command.error(`error: '${point}' is no telemetry point. Wanted is an address such as 1003:T:26.`);
  }
  return {
    ...{ channel: address.channel, point: address.id, unit },
    ...(rollover === undefined ? {} : { rollover }),
    ...(interval === undefined ? {} : { intervalSecs: interval }),
  };
}

interface CommandOptions {
  by?: string;
  key?: string;
  wallet?: string;
  user?: string;
  reason?: string;
}

function addCommand(
  meters: Command,
  cli: Cli,
  name: string,
  description: string,
  command: (by: string, options: CommandOptions) => MeterCommand,
): Command {
  return meters
    .command(name)
    .description(description)
    .argument('<id>', 'meter')
    .option('--by <name>', 'who does it (default: the user of this terminal)')
    .action((id: string, options: CommandOptions) =>
      cli.withClient(async (client) =>
        tell(cli, await client.metering.command(id, command(nameOf(cli, options.by), options))),
      ),
    );
}

async function list(cli: Cli, client: StatewattClient, query: MetersQuery): Promise<void> {
  const page = await client.metering.list(query);
  if (cli.json) {
    await cli.document(page);
    return;
  }
  await cli.table(meterColumns(cli.now()), page.meters);
  if (page.nextCursor !== null) await cli.remark(`--cursor ${safe(page.nextCursor)} shows the next page.`);
}

async function show(cli: Cli, client: StatewattClient, id: string, cursor: string | undefined): Promise<void> {
  const meter = await client.metering.get(id);
  const page = await client.metering.readings(id, { limit: SHOWN, ...(cursor === undefined ? {} : { cursor }) });
  if (cli.json) {
    await cli.document({ ...meter, page });
    return;
  }
  await printMeter(cli, meter);
  await cli.table(readingColumns(cli.now()), page.readings);
  if (page.nextCursor !== null) await cli.remark(`--cursor ${safe(page.nextCursor)} shows the next readings.`);
}

async function tell(cli: Cli, meter: MeterView): Promise<void> {
  if (cli.json) await cli.document(meter);
  else await cli.line(`${safe(meter.id)}: ${meter.state}, of ${safe(meter.user)}`);
}

function nameOf(cli: Cli, by: string | undefined): string {
  const { USER, LOGNAME } = cli.dependencies.env;
  return by ?? USER ?? LOGNAME ?? 'operator';
}
