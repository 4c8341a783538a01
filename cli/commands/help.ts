/** Headings under which the program's help lists the commands. */
export const GROUPS = {
  run: 'Run a site:',
  look: 'Look into a running site:',
  act: 'Act on a running site:',
  access: 'Who may come in:',
} as const;

/** The examples below a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
