import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recoveries } from './checks/samples.js';
import { FAULT_STATES } from './minting/batch-states.js';
import type { RunResult } from './run.js';
import { bySecond, drawTimeline } from './timeline.js';

/** The files of a report. */
export interface ReportFiles {
  readonly markdown: string;
  readonly json: string;
  readonly picture: string;
}

/** Writes what a run came to: report.md, report.json, timeline.svg. */
export async function writeReport(result: RunResult, folder: string, repeat: string): Promise<ReportFiles> {
  const files = {
    markdown: join(folder, 'report.md'),
    json: join(folder, 'report.json'),
    picture: join(folder, 'timeline.svg'),
  };
  await mkdir(folder, { recursive: true });
  await writeFile(files.markdown, renderReport(result, repeat));
  await writeFile(files.json, `${JSON.stringify(summary(result, repeat), null, 2)}\n`);
  await writeFile(files.picture, drawTimeline(result));
  return files;
}

/** What programs want to know of a run. */
export function summary(result: RunResult, repeat: string) {
  const { scenario, seed, startedAt, tookMs, passed, verdicts, faults, repeated, commands, framesSeen, samples } =
    result;
  const times = recoveries(faults, samples);
  return {
    scenario: scenario.name,
    seed,
    repeat,
    startedAt: new Date(startedAt).toISOString(),
    tookMs: Math.round(tookMs),
    passed,
    verdicts,
    notChecked: result.notChecked ?? [],
    faults: faults.map((fault, index) => ({
      ...fault,
      fromMs: Math.round(fault.fromMs),
      toMs: Math.round(fault.toMs),
      recoveredAfterMs: finite(times[index]),
    })),
    minting: result.minting ?? null,
    load: { commands: commands.length, repeated, framesSeen, latencyMs: latencies(result) },
    memoryMb: samples.flatMap(({ memoryMb }) => (memoryMb === undefined ? [] : [Math.round(memoryMb)])),
    commandsBySecond: bySecond(result).map((second) => second.commands),
  };
}

/** The report for people, in Markdown. */
export function renderReport(result: RunResult, repeat: string): string {
  const { scenario, seed, startedAt, tookMs, passed, verdicts, faults, samples, commands, repeated, framesSeen } =
    result;
  const times = recoveries(faults, samples);
  const { p50, p99, longest } = latencies(result);
  const lines = [
    `# Chaos run \`${scenario.name}\`: ${passed ? 'passed' : 'FAILED'}`,
    '',
    ...(scenario.description === '' ? [] : [scenario.description.trim(), '']),
    `Seed ${seed}, begun ${new Date(startedAt).toISOString()}, ${(tookMs / 1_000).toFixed(0)} s of load, ${faults.length} faults. Again:`,
    '',
    `    ${repeat}`,
    '',
    '![timeline](timeline.svg)',
    '',
    '## Invariants',
    '',
    '|   | invariant | checked against |',
    '| - | --------- | --------------- |',
    ...verdicts.map((each) => `| ${each.passed ? '✓' : '✗'} | ${each.invariant}: ${each.claim} | ${each.checked} |`),
    '',
    ...verdicts
      .filter((each) => !each.passed)
      .flatMap((each) => [
        `### ${each.invariant}: ${each.violationCount} violations`,
        '',
        ...each.violations.map((text) => `- ${text}`),
        '',
      ]),
    ...((result.notChecked ?? []).length === 0
      ? []
      : ['Not checked:', '', ...(result.notChecked ?? []).map((text) => `- ${text}`), '']),
    '## Load',
    '',
    `${commands.length} commands were acknowledged (p50 ${p50} ms, p99 ${p99} ms, longest ${longest} ms), ${repeated} times one was sent`,
    `again. ${framesSeen} frames were seen when they were acknowledged.`,
    '',
    ...mintingLines(result),
    '## Faults',
    '',
    '|   | at | fault | lasted | well again after |',
    '| - | -- | ----- | ------ | ---------------- |',
    ...faults.map(({ number, text, fromMs, toMs, failed }, index) => {
      const what = failed === undefined ? text : `${text} (not done: ${failed})`;
      return `| ${number} | ${inSeconds(fromMs)} | ${what} | ${inSeconds(toMs - fromMs)} | ${recovered(times[index])} |`;
    }),
    '',
  ];
  return lines.join('\n');
}

function mintingLines({ minting }: RunResult): string[] {
  if (minting === undefined) return [];
  const { readings, repeated, batches, transactions, tokens, hits } = minting;
  return [
    '## Minting',
    '',
    `${readings} signed readings were accepted (${repeated} requests were sent again) and became ${tokens} base units, by`,
    `${transactions} transactions of ${batches} batches. Faults, and how many of them found some batch in a state:`,
    '',
    `| fault | faults | ${FAULT_STATES.join(' | ')} |`,
    `| ----- | ------ | ${FAULT_STATES.map((state) => '-'.repeat(state.length)).join(' | ')} |`,
    ...hits.map(
      ({ what, faults, states }) =>
        `| ${what} | ${faults} | ${FAULT_STATES.map((state) => String(states[state])).join(' | ')} |`,
    ),
    '',
  ];
}

function latencies({ commands }: Pick<RunResult, 'commands'>): { p50: number; p99: number; longest: number } {
  const sorted = commands.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), longest: at(1) };
}

function recovered(ms: number | undefined): string {
  if (ms === undefined) return 'another one followed';
  return ms === Infinity ? 'never' : inSeconds(ms);
}

function finite(ms: number | undefined): number | null {
  return ms === undefined || ms === Infinity ? null : Math.round(ms);
}

function inSeconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
