import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { StatewattError } from '../../errors/error.js';
import type { Scenario } from '../../chaos/scenario.js';
import type { Cli } from '../cli.js';
import { safe } from '../render/text.js';
import type { AttachCommandOptions } from './chaos-attach.js';
import { GROUPS, examples } from './help.js';

/** The scenarios that come along; from dist/cli/commands/. */
const SHIPPED = fileURLToPath(new URL('../../../scenarios', import.meta.url));

interface RunCommandOptions extends AttachCommandOptions {
  readonly attach?: boolean;
  readonly seed?: string;
  readonly seeds?: string;
  readonly duration?: string;
  readonly perSecond?: string;
  readonly out?: string;
  readonly keep?: boolean;
}

export function addChaos(program: Command, cli: Cli): void {
  const chaos = program
    .command('chaos')
    .helpGroup(GROUPS.run)
    .summary('break a site on purpose and check what is left: list, show, run')
    .description('Runs a site of its own, breaks it by a scenario, and checks that nothing acknowledged was lost.')
    .addHelpText('after', examples('statewatt chaos list', 'statewatt chaos run kill-a-node --seed 7'));
  chaos
    .command('list', { isDefault: true })
    .description('Lists the scenarios that come along.')
    .action(() => list(cli));
  chaos
    .command('show')
    .description('Shows what a scenario would do, fault by fault.')
    .argument('<scenario>', 'a file, or the name of a scenario that comes along')
    .option('--seed <n>', 'another seed than the scenario’s')
    .action((name: string, options: RunCommandOptions) => show(cli, name, options));
  chaos
    .command('run')
    .description('Runs a scenario and writes a report. Exit code 1 when an invariant does not hold.')
    .argument('<scenario>', 'a file, or the name of a scenario that comes along')
    .option('--seed <n>', 'another seed than the scenario’s; the same seed breaks the same things at the same times')
    .option('--seeds <n>', 'run it once for each of so many seeds in turn')
    .option('--duration <seconds>', 'the same faults within another time than the scenario’s')
    .option('--per-second <commands>', 'a load of so many commands instead of the scenario’s')
    .option('--out <folder>', 'where the report goes (default: chaos-<scenario>-<seed>)')
    .option('--keep', 'keep the data of the run, in the same folder')
    .option('--attach', 'on the site that runs (--data, --nats, --token) instead of one of its own; see docs/chaos.md')
    .option('--yes', 'with --attach: do not ask for the name of the site first')
    .option('--http <urls>', 'with --attach: HTTP interfaces of its nodes, comma separated (default: that of --data)')
    .option('--history <url>', 'with --attach: its ClickHouse or chDB (default: CLICKHOUSE_URL, or that of --data)')
    .option('--redis <url>', 'with --attach: its Redis (default: REDIS_URL)')
    .option(
      '--pid <target=pid>',
      'with --attach: a process that may be broken, such as redis=4711; again for each',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .addHelpText(
      'after',
      examples(
        'statewatt chaos run kill-one-channel',
        'statewatt chaos run my.yaml --seed 7 --out report',
        'statewatt chaos run kill-a-node --seeds 20',
        'statewatt chaos run kill-one-channel --attach --data .statewatt',
      ),
    )
    .action((name: string, options: RunCommandOptions) => run(cli, name, options));
}

async function list(cli: Cli): Promise<void> {
  const { loadScenario } = await import('../../chaos/scenario.js');
  const names = (await readdir(SHIPPED)).filter((name) => name.endsWith('.yaml')).sort();
  const scenarios = await Promise.all(names.map((name) => loadScenario(join(SHIPPED, name))));
  const rows = scenarios.map(({ name, durationS, nodes, description }) => ({ name, durationS, nodes, description }));
  if (cli.json) await cli.document(rows);
  else {
    await cli.table<(typeof rows)[number]>(
      [
        { title: 'Scenario', value: ({ name }) => safe(name) },
        { title: 'Seconds', value: ({ durationS }) => String(durationS), align: 'right' },
        { title: 'Nodes', value: ({ nodes }) => String(nodes), align: 'right' },
        { title: 'What it does', value: ({ description }) => safe(description), shrinks: true },
      ],
      rows,
    );
  }
}

async function show(cli: Cli, name: string, options: RunCommandOptions): Promise<void> {
  const { describeFault, planFaults } = await import('../../chaos/schedule.js');
  const scenario = await find(name);
  const plan = planFaults(scenario, seedOf(options, scenario)).map((each) => ({
    at: `${(each.atMs / 1_000).toFixed(1)} s`,
    what: describeFault(each),
  }));
  if (cli.json) await cli.document(plan);
  else {
    await cli.table<(typeof plan)[number]>(
      [
        { title: 'At', value: ({ at }) => at, align: 'right' },
        { title: 'Fault', value: ({ what }) => safe(what) },
      ],
      plan,
    );
  }
}

async function run(cli: Cli, name: string, options: RunCommandOptions): Promise<void> {
  const { lasting } = await import('../../chaos/scenario.js');
  const { duration, perSecond } = options;
  let scenario = await find(name);
  if (duration !== undefined) scenario = lasting(scenario, wholeNumber('--duration', duration, 1, 86_400));
  if (perSecond !== undefined) {
    scenario = { ...scenario, perSecond: wholeNumber('--per-second', perSecond, 1, 100_000) };
  }
  const seed = seedOf(options, scenario);
  const seeds = options.seeds === undefined ? 1 : wholeNumber('--seeds', options.seeds, 1, 1_000);
  const lasts = duration === undefined ? '' : ` --duration ${duration}`;
  const loaded = perSecond === undefined ? '' : ` --per-second ${perSecond}`;
  const out = resolve(options.out ?? `chaos-${scenario.name}-${seeds === 1 ? seed : `${seed}-to-${seed + seeds - 1}`}`);
  const plan = {
    scenario,
    keep: options.keep === true,
    repeat: (of: number) => `statewatt chaos run ${name} --seed ${of}${lasts}${loaded}`,
  };
  if (options.attach === true) {
    if (seeds !== 1) throw usage('--seeds is not for --attach: look at each run on a site of your own before the next');
    const { runOnSite } = await import('./chaos-attach.js');
    const { data, nats } = cli.options;
    const where = data !== undefined ? ` --data ${data}` : nats !== undefined ? ` --nats ${nats}` : '';
    const again = `${plan.repeat(seed)} --attach${where}`;
    return runOnSite(cli, { scenario, seed, out, repeat: again }, options);
  }
  for (const option of ['yes', 'http', 'history', 'redis', 'pid'] as const)
    if (options[option] !== undefined) throw usage(`--${option} is for --attach only`);
  // Only here: every other command starts sooner without what a run needs.
  const { runOnce, runSeeds } = await import('./chaos-run.js');
  if (seeds === 1) await runOnce(cli, plan, seed, out);
  else await runSeeds(cli, plan, { from: seed, count: seeds }, out);
}

/** @throws ConfigError; `chaos.no_scenario` */
async function find(name: string): Promise<Scenario> {
  const { loadScenario } = await import('../../chaos/scenario.js');
  if (/[/\\.]/.test(name)) return loadScenario(name);
  const names = (await readdir(SHIPPED)).map((file) => file.replace(/\.yaml$/, '')).sort();
  if (names.includes(name)) return loadScenario(join(SHIPPED, `${name}.yaml`));
  const text = `there is no scenario ${name}; there are ${names.join(', ')}, or give the path of a file`;
  throw new StatewattError('chaos.no_scenario', 'not_found', text);
}

/** @throws `cli.usage` */
function seedOf({ seed }: RunCommandOptions, scenario: Scenario): number {
  return seed === undefined ? scenario.seed : wholeNumber('--seed', seed, 0, 2 ** 31 - 1);
}

/** @throws `cli.usage` */
function wholeNumber(option: string, text: string, from: number, to: number): number {
  const value = Number(text);
  if (/^\d{1,10}$/.test(text) && value >= from && value <= to) return value;
  throw usage(`${option} takes a whole number from ${from} to ${to}, not ${JSON.stringify(text)}`);
}

function usage(wrong: string): StatewattError {
  return new StatewattError('cli.usage', 'invalid', wrong);
}
