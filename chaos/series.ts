/** What a run with one of several seeds came to. */
export interface SeedResult {
  readonly seed: number;
  readonly passed: boolean;
  /** Invariants that did not hold. */
  readonly failed: readonly string[];
  readonly faults: number;
  readonly commands: number;
  readonly framesSeen: number;
  readonly tookMs: number;
}

/** The results of all seeds, in Markdown. */
export function renderSeries(
  scenario: string,
  results: readonly SeedResult[],
  repeat: (seed: number) => string,
): string {
  const good = results.filter(({ passed }) => passed).length;
  return [
    `# Chaos scenario \`${scenario}\`: ${good} of ${results.length} seeds passed`,
    '',
    '|   | seed | faults | commands | frames | load, s | what did not hold |',
    '| - | ---- | ------ | -------- | ------ | ------- | ----------------- |',
    ...results.map(
      ({ seed, passed, failed, faults, commands, framesSeen, tookMs }) =>
        `| ${passed ? '✓' : '✗'} | ${seed} | ${faults} | ${commands} | ${framesSeen} | ${(tookMs / 1_000).toFixed(0)} | ${failed.join(', ')} |`,
    ),
    '',
    ...results.filter(({ passed }) => !passed).flatMap(({ seed }) => [`    ${repeat(seed)}`]),
    '',
  ].join('\n');
}
