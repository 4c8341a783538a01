import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summary, writeReport, type ReportFiles } from '../../chaos/report.js';
import { runScenario, type RunResult } from '../../chaos/run.js';
import type { Scenario } from '../../chaos/scenario.js';
import { renderSeries, type SeedResult } from '../../chaos/series.js';
import type { Cli } from '../cli.js';
import { EXIT } from '../exit-codes.js';
import { safe } from '../render/text.js';

export interface RunPlan {
  readonly scenario: Scenario;
  /** Keep the data of a run, in the folder of its report. */
  readonly keep: boolean;
  /** The command that does the same again, for a seed. */
  readonly repeat: (seed: number) => string;
}

interface Ran {
  readonly result: RunResult;
  readonly files: ReportFiles;
}

/** Runs a scenario and says what came of it. */
export async function runOnce(cli: Cli, plan: RunPlan, seed: number, out: string): Promise<void> {
  // Output that cannot be written must not end a run.
  const onProgress = (text: string) => void (cli.json ? undefined : cli.line(`  ${safe(text)}`).catch(() => undefined));
  const { result, files } = await run(plan, seed, out, cli.dependencies.interruption(), onProgress);
  await tell(cli, result, files, plan.repeat(seed));
}

/** Writes the report of a run, and says what came of it. */
export async function reportRun(cli: Cli, result: RunResult, repeat: string, out: string): Promise<void> {
  await tell(cli, result, await writeReport(result, out, repeat), repeat);
}

async function tell(cli: Cli, result: RunResult, files: ReportFiles, repeat: string): Promise<void> {
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
  for (const text of result.notChecked ?? []) await cli.line(`– not checked: ${safe(text)}`);
  await cli.line(`${result.passed ? 'passed' : 'FAILED'}: ${files.markdown}`, result.passed ? 'none' : 'alarm');
  await cli.line(`again: ${repeat}`);
}

/** Runs a scenario once for each seed, and says for each whether it passed: seeds.md and seeds.json, beside their reports. */
export async function runSeeds(
  cli: Cli,
  plan: RunPlan,
  { from, count }: { from: number; count: number },
  out: string,
): Promise<void> {
  const signal = cli.dependencies.interruption();
  const results: SeedResult[] = [];
  for (let seed = from; seed < from + count && !signal.aborted; seed++) {
    const { result } = await run(plan, seed, join(out, `seed-${seed}`), signal);
    const failed = result.verdicts.filter(({ passed }) => !passed).map(({ invariant }) => invariant);
    const { passed, faults, commands, framesSeen, tookMs } = result;
    results.push({ seed, passed, failed, faults: faults.length, commands: commands.length, framesSeen, tookMs });
    if (cli.json) continue;
    const counted = `${faults.length} faults, ${commands.length} commands, ${framesSeen} frames`;
    await cli.line(
      passed ? `✓ seed ${seed}: ${counted}` : `✗ seed ${seed}: ${failed.join(', ')} (${counted})`,
      passed ? 'none' : 'alarm',
    );
  }
  const passed = results.every((each) => each.passed);
  if (!passed) cli.exitCode = EXIT.bad;
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'seeds.md'), renderSeries(plan.scenario.name, results, plan.repeat));
  await writeFile(join(out, 'seeds.json'), `${JSON.stringify(results, null, 2)}\n`);
  if (cli.json) await cli.document({ scenario: plan.scenario.name, passed, seeds: results });
  else {
    const good = results.filter((each) => each.passed).length;
    await cli.line(`${good} of ${results.length} seeds passed: ${join(out, 'seeds.md')}`, passed ? 'none' : 'alarm');
  }
}

async function run(
  { scenario, keep, repeat }: RunPlan,
  seed: number,
  out: string,
  signal: AbortSignal,
  onProgress?: (text: string) => void,
): Promise<Ran> {
  const folder = keep ? out : await mkdtemp(join(tmpdir(), 'statewatt-chaos-'));
  const result = await runScenario({
    ...{ scenario, seed, folder, signal },
    ...(onProgress === undefined ? {} : { onProgress }),
  }).finally(async () => {
    if (!keep) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return { result, files: await writeReport(result, out, repeat(seed)) };
}
