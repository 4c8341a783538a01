import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { StatewattError } from '../../errors/error.js';
import type { Scenario } from '../../chaos/scenario.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { safe } from '../render/text.js';
import { GROUPS, examples } from './help.js';

/** The scenarios that come along; from dist/cli/commands/. */
const SHIPPED = fileURLToPath(new URL('../../../scenarios', import.meta.url));

interface RunCommandOptions {
  readonly seed?: string;
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
    .option('--out <folder>', 'where the report goes (default: chaos-<scenario>-<seed>)')
    .option('--keep', 'keep the data of the run, in the same folder')
    .addHelpText(
      'after',
      examples('statewatt chaos run kill-one-channel', 'statewatt chaos run my.yaml --seed 7 --out report'),
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
  // Only here: every other command starts sooner without what a run needs.
  const [{ runScenario }, { writeReport, summary }] = await Promise.all([
    import('../../chaos/run.js'),
    import('../../chaos/report.js'),
  ]);
  const scenario = await find(name);
  const seed = seedOf(options, scenario);
  const out = resolve(options.out ?? `chaos-${scenario.name}-${seed}`);
  const repeat = `statewatt chaos run ${name} --seed ${seed}`;
  const keep = options.keep === true;
  const folder = keep ? out : await mkdtemp(join(tmpdir(), 'statewatt-chaos-'));
  const signal = cli.dependencies.interruption();
  // Output that cannot be written must not end a run.
  const onProgress = (text: string) => void (cli.json ? undefined : cli.line(`  ${safe(text)}`).catch(() => undefined));
  const result = await runScenario({ scenario, seed, folder, signal, onProgress }).finally(async () => {
    if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  const files = await writeReport(result, out, repeat);
  if (!result.passed) cli.exitCode = EXIT.bad;
  if (cli.json) {
    await cli.document({ ...summary(result, repeat), files });
    return;
  }
  for (const { passed, invariant, claim, checked, violations } of result.verdicts) {
    await cli.line(
      `${passed ? '✓' : '✗'} ${invariant.padEnd(18)} ${claim} (${safe(checked)})`,
      passed ? 'none' : 'alarm',
    );
    if (!passed) for (const text of violations.slice(0, 5)) await cli.line(`    ${safe(text)}`, 'alarm');
  }
  await cli.line(`${result.passed ? 'passed' : 'FAILED'}: ${files.markdown}`, result.passed ? 'none' : 'alarm');
  await cli.line(`again: ${repeat}`);
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
  if (seed === undefined) return scenario.seed;
  if (/^\d{1,10}$/.test(seed) && Number(seed) < 2 ** 31) return Number(seed);
  throw new StatewattError(
    'cli.usage',
    'invalid',
    `--seed takes a whole number from 0 to ${2 ** 31 - 1}, not ${JSON.stringify(seed)}`,
  );
}
